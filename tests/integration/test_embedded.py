"""Embedded stores: they start in whatever folder can hold them, and say in one line why another cannot."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
from pathlib import Path

import asyncpg
import pytest

from livestream.account import account
from livestream.config import Settings
from livestream.datadir import DataDir, DataDirError, locate
from livestream.deployment import resolve
from livestream.embedded import EmbeddedError, Stores
from tests.support.commands import AS_NOBODY, NOBODY, livestream, only_root, refusal
from tests.support.shows import running, show, wait_for


async def _works(stores: Stores) -> bool:
    connection = await asyncpg.connect(stores.database_url)
    try:
        return bool(await connection.fetchval("SELECT current_database() = 'livestream'"))
    finally:
        await connection.close()


def _half_made(folder: Path) -> Path:
    """A data folder that `serve` has used, without a database yet."""
    data = folder / "data"
    DataDir.open(data, account()).close()
    return data


async def test_a_path_may_be_long_and_hold_any_character(folder: Path) -> None:
    data = folder / "a b,c#d%e'é\"?&" / ("x" * 100)
    async with Stores.start(data) as stores:
        assert await _works(stores)
        assert len(str(stores.data.sockets())) < 60
        shutil.rmtree(stores.data.sockets(), ignore_errors=True)


async def test_the_stores_listen_on_no_network(stores: Stores) -> None:
    for server in (["bin/postgres", "-D"], ["valkey-server"]):
        (pid, *_) = [
            pid for pid, command in running(str(stores.data.path)).items() if all(w in command for w in server)
        ]
        assert _listening_inodes() & _socket_inodes(pid) == set()
    sockets = [path for path in stores.data.sockets().iterdir() if path.is_socket()]
    assert len(sockets) == 2
    assert all(path.stat().st_mode & 0o077 == 0 for path in sockets)


def _listening_inodes() -> set[str]:
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()]
    return {line[9] for line in lines if line[3] == "0A"}


def _socket_inodes(pid: int) -> set[str]:
    names = [os.readlink(name) for name in Path(f"/proc/{pid}/fd").iterdir()]
    return {name[8:-1] for name in names if name.startswith("socket:[")}


async def test_without_the_password_nobody_gets_in(stores: Stores) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(stores.database_url.replace(":", ":not", 2).replace(":not//", "://"))
    raw = socket.socket(socket.AF_UNIX)
    raw.connect(str(stores.data.sockets() / "valkey.sock"))
    raw.sendall(b"PING\r\n")
    assert raw.recv(100).startswith(b"-NOAUTH")
    raw.close()


async def test_a_database_of_another_version_is_refused(folder: Path) -> None:
    data = _half_made(folder)
    (data / "postgres").mkdir()
    account().own(data / "postgres", 0o700)
    (data / "postgres" / "PG_VERSION").write_text("17\n")
    assert "was made by PostgreSQL 17, this program brings 18" in refusal("--data-dir", str(data), "serve")


async def test_what_is_no_database_is_left_alone(folder: Path) -> None:
    data = _half_made(folder)
    (data / "postgres").mkdir()
    account().own(data / "postgres", 0o700)
    (data / "postgres" / "somebody's").write_text("work")
    with pytest.raises(EmbeddedError, match="move it away"):
        async with Stores.start(data):
            pass
    assert (data / "postgres" / "somebody's").read_text() == "work"


def test_a_folder_with_other_things_in_it_is_not_taken(folder: Path) -> None:
    """We change modes and owners in a data folder: `--data-dir ~` must not."""
    home = folder / "home"
    home.mkdir(mode=0o755)
    (home / "letter.txt").write_text("dear")
    assert "not a data folder of livestream" in refusal("--data-dir", str(home), "serve")
    assert home.stat().st_mode & 0o777 == 0o755
    assert [path.name for path in home.iterdir()] == ["letter.txt"]


@only_root
def test_a_folder_that_cannot_be_written_is_refused(folder: Path) -> None:
    line = refusal("--data-dir", str(folder / "data"), "serve", wrapper=AS_NOBODY)
    assert "Permission denied; choose another with --data-dir" in line


@only_root
def test_another_users_folder_is_refused(folder: Path) -> None:
    data = _half_made(folder)
    (data / "postgres").mkdir()
    os.chown(data / "postgres", 12345, 12345)
    assert "is that of user 12345: run as that user" in refusal("--data-dir", str(data), "serve")


@only_root
def test_commands_beside_another_users_show_say_who_may(stores: Stores) -> None:
    os.seteuid(NOBODY)
    try:
        with pytest.raises(DataDirError, match="run as the user who runs `serve`"):
            resolve(Settings(data_dir=str(stores.data.path)))
    finally:
        os.seteuid(0)


@only_root
def test_below_a_closed_folder_the_data_lie_elsewhere_and_it_says_so(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    wanted = closed / "data"
    data = locate(wanted, account())
    assert data == Path("/var/lib/livestream") / hashlib.sha256(str(wanted).encode()).hexdigest()[:12]
    assert not account().reaches(wanted)
    try:
        with show(closed, "--gateways", "1") as started:
            wait_for(lambda: "data folder:" in started.output(), started)
            assert f"data folder: {data}, as user {account().name} cannot reach {wanted}" in started.output()
            started.wait_until_ready()
            assert livestream(*started.options, "token").returncode == 0, "other commands find it there too"
    finally:
        shutil.rmtree(data)


def test_an_initdb_that_was_killed_leaves_no_trace(folder: Path) -> None:
    with show(folder, "--gateways", "1") as started:
        partial = started.data_dir / "postgres.partial"
        wait_for(lambda: partial.exists() and any(partial.iterdir()), started)
        started.process.send_signal(signal.SIGKILL)
        started.process.wait()
        assert not (started.data_dir / "postgres").exists(), "killed too late to prove anything"
        started.start_again()
        assert not partial.exists()


async def test_secrets_that_cannot_be_read_are_refused(folder: Path) -> None:
    data = _half_made(folder)
    (data / "secrets.json").write_text('{"postgres": "ab')
    with pytest.raises(DataDirError, match="is damaged"):
        async with Stores.start(data):
            pass


@only_root
def test_a_file_is_never_written_through_a_link(folder: Path) -> None:
    """The servers' user owns the folder in which it lies, and must not make root write elsewhere."""
    data = DataDir.open(folder / "data", account())
    victim = folder / "victim"
    victim.write_text("precious")
    link = data.folder("run") / "password"
    link.symlink_to(victim)
    data.file(link, "secret")
    assert victim.read_text() == "precious"
    assert not link.is_symlink()
    assert link.read_text() == "secret"
    assert link.stat().st_mode & 0o777 == 0o600
    data.close()


def test_a_link_where_the_sockets_should_lie_is_refused(folder: Path) -> None:
    """Under /tmp anyone can make that name first, and what it points to would be given away."""
    data = _half_made(folder / ("y" * 120))
    opened = DataDir(data, account())
    theirs = folder / "theirs"
    theirs.mkdir(mode=0o755)
    short = opened.sockets()
    short.rmdir()
    short.symlink_to(theirs)
    try:
        with pytest.raises(DataDirError, match="belongs to somebody else"):
            opened.sockets()
        assert theirs.stat().st_uid == 0
        assert theirs.stat().st_mode & 0o777 == 0o755
    finally:
        short.unlink()
