"""Rounds: takes the runs of a benchmark in turn, again and again, so that a noisy minute hits all of them."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .build import Programs
from .client import Client, Script, command_line, write_joins
from .figures import Benchmark, Round, Run, Server, Taken
from .machine import wait_for_quiet
from .servers import CLIENT_CORE, SERVER_CORE, Target, limit, product

CORPUS = Path(__file__).parents[2] / "livestream" / "demo" / "corpus"
_ANSWERED = ("", "@Ada ", "@Bela ", "@Chloé ", "@Dawid ", "@Emil ", "@Feng ", "@Gosia ")

#: called with the pids of the server when the phases begin; stopped when they end
Watch = Callable[[list[int]], contextlib.AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Scale:
    """How long and how big."""

    seconds: int = 10  #: of a phase
    divide_viewers: int = 1
    patience_s: float = 60.0  #: for other processes to give the cores free


FULL = Scale()
QUICK = Scale(2, 10, 0.0)


@contextlib.contextmanager
def not_watched(pids: list[int]) -> Iterator[None]:
    yield


def take_round(benchmark: Benchmark, number: int, programs: Programs, scale: Scale, watch: Watch) -> Round:
    """All runs once; every other round in the opposite order."""
    names = list(benchmark.runs)
    if number % 2:
        names.reverse()
    return {name: take(benchmark.runs[name], programs, scale, watch) for name in names}


def take(run: Run, programs: Programs, scale: Scale, watch: Watch) -> Taken:
    """Start a server, load it, stop it."""
    where = "/dev/shm" if run.in_memory else None
    with tempfile.TemporaryDirectory(prefix="livestream-bench-", dir=where) as name:
        folder = Path(name)
        folder.chmod(0o755)  # the embedded stores run as another user
        server = limit(programs) if run.server is Server.LIMIT else product(run, folder / "data")
        with server as target:
            return _load(run, target, programs, scale, folder, watch)


def _load(run: Run, target: Target, programs: Programs, scale: Scale, folder: Path, watch: Watch) -> Taken:
    with contextlib.ExitStack() as stack:
        clients = [
            Client(command_line(programs, run, target, script), folder / f"client{number}.log")
            for number, script in enumerate(_scripts(run, target, scale, folder))
        ]
        for client in clients:
            stack.callback(client.stop)
        connects = [client.connect() for client in clients]
        wait_for_quiet((SERVER_CORE, CLIENT_CORE), scale.patience_s)
        before = _counters(run, target)
        with watch(target.pids if run.server is Server.LIVESTREAM else []):
            for client in clients:
                client.go()
            phases = [client.finish() for client in clients]
        after = _counters(run, target)
        rose = {name: value - before.get(name, 0.0) for name, value in after.items()}
        return Taken(connects, phases, rose, target.fates() if run.senders else {}, run.gateways)


def _scripts(run: Run, target: Target, scale: Scale, folder: Path) -> list[Script]:
    """One a client; each has its share of the viewers."""
    phases = run.phases.format(s=scale.seconds)
    corpus = join_corpus(folder / "corpus.txt")
    viewers = run.viewers // scale.divide_viewers // run.clients
    if run.server is Server.LIMIT:
        return [Script(phases, viewers, corpus)]
    tokens = target.tokens("viewer", viewers * run.clients)
    hosts = target.tokens("host", run.clients)
    return [
        Script(phases, viewers, corpus, host, write_joins(folder / f"joins{number}.txt", tokens[number :: run.clients]))
        for number, host in enumerate(hosts)
    ]


def join_corpus(path: Path) -> Path:
    """The demo's sentences in all languages, in one file: each once, and then as answers to people.

    What is said again in the same words within seconds is collapsed, and a flood is to be shown; so are hearts alone.
    """
    lines = [line for file in sorted(CORPUS.glob("*.txt")) for line in file.read_text("utf-8").splitlines()]
    said = {"".join(filter(str.isalpha, line.casefold())): line for line in lines}
    said.pop("", None)
    path.write_text("".join(f"{answered}{line}\n" for answered in _ANSWERED for line in said.values()))
    return path


def _counters(run: Run, target: Target) -> dict[str, float]:
    return target.counters() if run.server is Server.LIVESTREAM else {}
