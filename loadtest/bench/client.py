"""Client: one fanload process, from its command line to the numbers it told."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .build import Programs
from .figures import Line, Run, Server
from .servers import CLIENT_CORE, ROOM, SERVER_CORE, Target
from .stats import flatten

_IN_FLIGHT = 200
_TRIES = 50  #: sockets a viewer may use for one join before it gives up
_JOIN = '[{"t":"join","ref":%%r,"room":"%s","token":"%s"}]'
_RESUME = '[{"t":"join","ref":%%r,"room":"%s","resume":{"token":"%%t","epoch":"%%e","seq":%%q}}]'


class ClientError(Exception):
    """It gave up; the text holds its last words."""


@dataclass(frozen=True, slots=True)
class Script:
    """What a client needs beside the run."""

    phases: str
    viewers: int
    corpus: Path
    host_token: str = ""
    joins: Path | None = None  #: a file, one join a viewer


def write_joins(path: Path, tokens: Sequence[str]) -> Path:
    path.write_text("".join(_JOIN % (ROOM, token) + "\n" for token in tokens))
    return path


def command_line(programs: Programs, run: Run, target: Target, script: Script) -> list[str]:
    """fanload's arguments. The limit knows no rooms: there, nobody joins."""
    options = {
        "-n": script.viewers,
        "-p": target.port,
        "-c": _IN_FLIGHT,
        "-tries": _TRIES,
        "-corpus": script.corpus,
        "-spid": ",".join(map(str, target.pids)),
        "-cores": f"{SERVER_CORE},{CLIENT_CORE}",
        "-barrier": 1,
        "-settle": 1,
        "-phases": script.phases,
    }
    if run.server is Server.LIVESTREAM:
        options |= {
            "-path": "/v1/ws",
            "-ppath": "/v1/ws",
            "-proto": "livestream.v1.json",
            "-rdy": '"t":"joined"',
            "-subfile": script.joins or "",
            "-pinit": _JOIN % (ROOM, script.host_token),
            "-say": '[{"t":"say","ref":%r,"text":"%s"}]',
            "-comment": '[{"t":"comment","ref":%r,"text":"%s"}]',
            "-resume": _RESUME % ROOM,
            "-senders": run.senders // run.clients,
        }
    if run.extensions:
        options["-ext"] = run.extensions
    return [str(programs.fanload), *(str(part) for option in options.items() for part in option)]


class Client:
    """A running fanload: connects, waits at the barrier, does its phases."""

    def __init__(self, arguments: Sequence[str], errors: Path) -> None:
        self._errors = errors
        with errors.open("w") as out:
            self._process = subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=out,
                text=True,
                preexec_fn=lambda: os.sched_setaffinity(0, {CLIENT_CORE}),
            )

    def connect(self) -> Line:
        """Wait until all viewers are in; returns what that cost."""
        connected = self._line()
        if connected["phase"] != "connect" or self._line()["phase"] != "ready":
            raise ClientError(self._errors.read_text())
        return flatten(connected)

    def go(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def finish(self) -> list[Line]:
        """Wait for the phases. A phase that stalled says so in its line."""
        assert self._process.stdout is not None
        lines = [flatten(json.loads(line)) for line in self._process.stdout]
        self._process.wait()
        if not lines:
            raise ClientError(self._errors.read_text())
        return lines

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _line(self) -> dict[str, object]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ClientError(self._errors.read_text())
        parsed: dict[str, object] = json.loads(line)
        return parsed
