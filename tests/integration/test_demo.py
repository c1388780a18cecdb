"""`livestream demo` as a person runs it, against a real gateway."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import sys
from collections.abc import AsyncIterator

from livestream.client import connect
from livestream.config import Settings
from livestream.deployment import to_environ
from livestream.protocol.events import Arrived
from livestream.protocol.pushes import Live
from livestream.protocol.roles import Role
from livestream.storage.pool import Database
from tests.support.gateways import Gateways, clean_environ
from tests.support.people import People
from tests.support.ports import free_port
from tests.support.waiting import until


@contextlib.asynccontextmanager
async def demo(settings: Settings, *flags: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run it; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "livestream",
        "demo",
        *flags,
        env=clean_environ(**to_environ(settings), PYTHONUNBUFFERED="1"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def finished(process: asyncio.subprocess.Process, within_s: float = 60.0) -> tuple[int, str, str]:
    async with asyncio.timeout(within_s):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_a_crowd_comes_writes_and_is_counted_as_the_archive_counts_it(
    gateway: Gateways, database: Database
) -> None:
    flags = ("--viewers", "40", "--comments-per-s", "14", "--seconds", "9", "--ramp", "1", "--seed", "5")
    async with demo(gateway.settings, *flags) as process:
        code, out, err = await finished(process)
    assert (code, err) == (0, "")
    assert "40 of 40 viewers came in" in out
    assert "0 reconnects, 0 gaps" in out
    assert "failed" not in out
    counts = re.search(r"(\d+) comments sent, (\d+) acknowledged .*: (\d+) shown, (\d+) left out", out)
    assert counts is not None
    sent, acked, shown, left_out = map(int, counts.groups())
    assert sent == acked > 20
    assert left_out > 0  # more than people can read
    async with database.read() as connection:
        rows = await connection.fetch("SELECT fate, count(*) AS number FROM comment GROUP BY fate")
    archived = {row["fate"]: row["number"] for row in rows}
    assert archived["shown"] == shown
    assert sum(archived.values()) == shown + left_out


async def test_without_a_terminal_there_is_a_plain_line_each_second(gateway: Gateways) -> None:
    async with demo(gateway.settings, "--viewers", "3", "--comments-per-s", "1", "--seconds", "4") as process:
        _, out, _ = await finished(process)
    lines = [line for line in out.splitlines() if re.match(r" +\d s · viewers \d/3 · comments \d+ sent", line)]
    assert 2 <= len(lines) <= 4
    assert "\x1b" not in out


async def test_interrupted_it_ends_well_with_a_summary_and_everyone_leaves(gateway: Gateways) -> None:
    async with connect(gateway.ws_url, room=People.room, name="Ann") as client:
        async with demo(gateway.settings, "--viewers", "30", "--ramp", "0", "--comments-per-s", "5") as process:
            await until(lambda: client.state.values.get("viewers") == 31, "all are there", 30)
            process.send_signal(signal.SIGINT)
            code, out, err = await finished(process)
        assert (code, err) == (0, "")
        assert "30 of 30 viewers came in" in out
        await until(lambda: client.state.values.get("viewers") == 1, "all have left")


async def test_signed_in_viewers_come_under_their_names(gateway: Gateways) -> None:
    async with connect(gateway.ws_url, room=People.room) as client:
        flags = ("--signed-in", "--viewers", "10", "--ramp", "3", "--comments-per-s", "4", "--seconds", "8")
        async with demo(gateway.settings, *flags) as process:
            code, out, _ = await finished(process)
        assert (code, "10 of 10 viewers came in" in out) == (0, True)
        await client.close()
        pushes = [push async for push in client]
    arrived = [
        event.name for push in pushes if isinstance(push, Live) for event in push.events if type(event) is Arrived
    ]
    assert arrived
    assert {comment.role for comment in client.state.comments} == {Role.VIEWER}


async def test_a_crowd_reacts_to_what_the_host_says(gateway: Gateways, people: People) -> None:
    async with connect(gateway.ws_url, room=People.room, token=people.token("ada", Role.HOST)) as host:
        flags = ("--viewers", "60", "--comments-per-s", "0", "--ramp", "0", "--seed", "3")
        async with demo(gateway.settings, *flags) as process:
            await until(lambda: host.state.values.get("viewers") == 61, "all are there", 30)
            await asyncio.sleep(1)
            assert not host.state.comments
            for number in range(30):
                await host.say(f"who wants number {number}?")
            await until(lambda: len(host.state.comments) >= 3, "some answer", 30)
            await until(lambda: host.state.values.get("likes", 0) >= 50, "more send hearts", 30)
            process.send_signal(signal.SIGINT)
            await finished(process)


async def test_where_nobody_serves_one_line_says_what_to_do(settings: Settings) -> None:
    port = free_port()
    async with demo(settings, "--port", str(port), "--viewers", "5") as process:
        code, out, err = await finished(process)
    assert code == 2
    assert out == ""
    assert err == (
        f"livestream: nobody answers at ws://127.0.0.1:{port}/v1/ws; start it with: livestream serve --port {port}\n"
    )


async def test_a_room_that_is_not_there_is_named_and_nobody_hammers(gateway: Gateways) -> None:
    async with demo(gateway.settings, "--viewers", "4", "--room", "nowhere", "--seconds", "3") as process:
        code, out, _ = await finished(process)
    assert code == 0
    assert "0 of 4 viewers came in" in out
    assert "room_not_found" in out


async def test_help_teaches_with_commands_to_copy(settings: Settings) -> None:
    async with demo(settings, "--help") as process:
        code, out, _ = await finished(process)
    assert code == 0
    assert "livestream demo --viewers 500 --comments-per-s 50" in out
    assert all(flag in out for flag in ("--url", "--room", "--seconds", "--signed-in", "--seed"))
