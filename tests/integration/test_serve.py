"""`serve`: it comes up, outlives the death of every part of it, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import AS_NOBODY, NOBODY, livestream, only_root, refusal
from tests.support.folders import open_folder
from tests.support.gateways import answers
from tests.support.ports import free_port
from tests.support.shows import Show, show, wait_for

GATEWAY, WORKER = ("livestream gateway",), ("livestream worker",)


@pytest.fixture(scope="module")
def running_show() -> Iterator[Show]:
    """One show for the tests that hurt it and see it heal."""
    with open_folder() as folder, show(folder, "--gateways", "2") as started:
        started.wait_until_ready()
        yield started


def _livestream(show: Show, *arguments: str) -> str:
    """Run a command beside the show; its output."""
    done = livestream(*show.options, *arguments)
    assert done.returncode == 0, done
    return done.stdout


def _steadily_ready(show: Show) -> bool:
    return all(answers(f"{show.url}/readyz") for _ in range(12))


def test_the_commands_that_it_prints_work_as_they_stand_there(running_show: Show) -> None:
    crowd = re.search(r"a busy room:  (.+)", running_show.output())
    link = re.search(r"(\S+ .+ token --role host --link)", running_show.output())
    assert crowd, running_show.output()
    assert link, running_show.output()
    assert _typed(f"{crowd[1]} --seconds 1")
    assert "#ticket=" in _typed(link[1])


def _typed(line: str) -> str:
    """What a person gets who types a line."""
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done
    return done.stdout


@pytest.mark.parametrize(
    "words",
    [GATEWAY, WORKER, ("bin/postgres", "-D"), ("valkey-server",)],
    ids=["gateway", "worker", "postgres", "valkey"],
)
def test_what_is_killed_comes_back(running_show: Show, words: tuple[str, ...]) -> None:
    victim = running_show.pid_of(*words)
    count = len(running_show.processes())
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: victim not in running_show.processes(), running_show, 10)
    wait_for(lambda: any(all(w in c for w in words) for c in running_show.processes().values()), running_show, 20)
    wait_for(lambda: _steadily_ready(running_show), running_show, 30)
    wait_for(lambda: len(running_show.processes()) >= min(count, 6), running_show, 20)
    # /readyz forgives a few missed heartbeats, these do not.
    wait_for(lambda: livestream(*running_show.options, "token").returncode == 0, running_show, 30)
    wait_for(lambda: livestream(*running_show.options, "token", "--link").returncode == 0, running_show, 30)


def test_a_gateway_that_falls_silent_is_killed_and_replaced(running_show: Show) -> None:
    victim = running_show.pid_of(*GATEWAY)
    os.kill(victim, signal.SIGSTOP)
    began = time.monotonic()
    wait_for(lambda: victim not in running_show.processes(), running_show, 10)
    assert time.monotonic() - began > 2, "a short pause must be forgiven"
    wait_for(lambda: _steadily_ready(running_show), running_show, 20)
    assert "process.silent" in running_show.output()


def test_a_second_serve_in_the_same_folder_is_refused(running_show: Show) -> None:
    line = refusal("--port", str(free_port()), "--data-dir", str(running_show.data_dir), "serve")
    assert f"in use by process {running_show.process.pid}: stop it" in line


def test_a_port_that_is_taken_is_refused(running_show: Show, folder: Path) -> None:
    """Gateways of one show share their port; another show of the same user must not slip in among them."""
    assert "choose another with --port" in refusal(
        "--port", str(running_show.port), "--data-dir", str(folder / "data"), "serve"
    )
    assert not list(folder.iterdir()), "it was refused before anything was made"


def test_ctrl_c_ends_all_of_it_and_the_next_start_finds_the_same_data(folder: Path) -> None:
    with show(folder, "--gateways", "1") as started:
        started.wait_until_ready()
        token = _livestream(started, "token")
        secrets = (started.data_dir / "secrets.json").read_text()
        assert started.stop() == 0
        assert started.output().endswith("stopped\n")
        assert "Traceback" not in started.output()
        assert not started.processes()
        started.start_again()
        assert "schema: applied" not in started.output()
        assert (started.data_dir / "secrets.json").read_text() == secrets
        assert _kid(_livestream(started, "token")) == _kid(token), "the demo shop kept its key"


def test_ctrl_c_during_the_start_ends_it(folder: Path) -> None:
    with show(folder) as started:
        wait_for(lambda: "starting the embedded" in started.output(), started)
        assert started.stop() == 0
        assert "Traceback" not in started.output()
        assert not started.processes()


def test_kill_of_serve_takes_all_down_and_the_next_start_heals(folder: Path) -> None:
    with show(folder, "--gateways", "1") as started:
        started.wait_until_ready()
        token = _livestream(started, "token")
        started.kill()
        started.start_again()  # at once: the older stores may still be going down
        assert _kid(_livestream(started, "token")) == _kid(token)
        started.kill()
        wait_for(lambda: not started.processes(), started, 20)


@only_root
def test_it_runs_as_an_ordinary_user(folder: Path) -> None:
    os.chown(folder, NOBODY, NOBODY)
    with show(folder, "--gateways", "1", wrapper=AS_NOBODY, HOME=str(folder)) as started:
        started.wait_until_ready()
        assert {_owner(pid) for pid in started.processes()} == {NOBODY}
        assert started.stop() == 0


@only_root
def test_under_root_the_stores_run_as_somebody_else(running_show: Show) -> None:
    assert _owner(running_show.pid_of("bin/postgres", "-D")) != 0
    assert _owner(running_show.pid_of("valkey-server")) != 0


def _owner(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def _kid(token: str) -> str:
    return token.split(".")[0]
