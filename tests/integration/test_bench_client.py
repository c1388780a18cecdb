"""The load client against the limit, and against a server that breaks its promises."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

from loadtest.bench.build import Programs, build
from loadtest.bench.figures import DEFLATE
from loadtest.bench.servers import limit

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")

VIEWERS = 20
JOIN = '[{"t":"join","ref":%r,"room":"demo"}]'
OPTIONS = [
    *("-rdy", '"t":"joined"', "-sub", JOIN, "-pinit", JOIN, "-senders", "5", "-tries", "5", "-settle", "0"),
    *("-say", '[{"t":"say","ref":%r,"text":"%s"}]', "-comment", '[{"t":"comment","ref":%r,"text":"%s"}]'),
    *("-resume", '[{"t":"join","ref":%r,"room":"demo","resume":{"token":"%t","epoch":"%e","seq":%q}}]'),
]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    return build(tmp_path_factory.mktemp("bench"))


async def load(programs: Programs, port: int, phases: str, *options: str) -> dict[str, dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        programs.fanload,
        *("-n", str(VIEWERS), "-p", str(port), "-phases", phases, *options),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    return {line["phase"]: line for line in map(json.loads, out.splitlines())}


class Room:
    """A server of one room. What `spoil` makes of a log push goes out in its place."""

    def __init__(self, spoil: Callable[[list[str]], list[str]] = lambda pushes: pushes) -> None:
        self.log: list[str] = []
        self.said: list[str] = []
        self.connections: set[ServerConnection] = set()
        self.replies = 1
        self.spoil = spoil

    async def handle(self, connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for text in connection:
                for command in json.loads(text):
                    await getattr(self, command["t"])(connection, command)
        self.connections.discard(connection)

    async def join(self, connection: ServerConnection, command: dict[str, Any]) -> None:
        resume = command.get("resume")
        resumed = "true" if resume else "false"
        joined = f'{{"t":"joined","epoch":"e1","resume":"secret","resumed":{resumed},"ref":{command["ref"]}}}'
        snapshot = f'{{"t":"snapshot","epoch":"e1","seq":{len(self.log)},"messages":{json.dumps(self.said)}}}'
        rest = self.log[resume["seq"] :] if resume else [snapshot]
        assert not resume or (resume["token"], resume["epoch"]) == ("secret", "e1")
        await connection.send(f"[{','.join([joined, *rest])}]")
        self.connections.add(connection)

    async def say(self, connection: ServerConnection, command: dict[str, Any]) -> None:
        self.said.append(command["text"])
        self.log.append(f'{{"t":"log","seq":{len(self.log) + 1},"event":{{"t":"said","text":"{command["text"]}"}}}}')
        for push in self.spoil(self.log[-1:]):
            await self.broadcast(push)
        for _ in range(self.replies):
            await connection.send(f'[{{"t":"posted","id":"x","ref":{command["ref"]}}}]')

    async def comment(self, connection: ServerConnection, command: dict[str, Any]) -> None:
        ref = command["ref"]
        if ref % 3 == 0:
            await connection.send(f'[{{"t":"error","code":"busy","text":"","ref":{ref}}}]')
        elif ref % 3 == 1:
            await connection.send(f'[{{"t":"posted","id":"x","shown":false,"ref":{ref}}}]')
        else:
            await connection.send(f'[{{"t":"posted","id":"x","ref":{ref}}}]')
            await self.broadcast(f'{{"t":"live","events":[{{"t":"comment","text":"{command["text"]}"}}]}}')

    async def broadcast(self, push: str) -> None:
        sends = (connection.send(f"[{push}]") for connection in list(self.connections))
        await asyncio.gather(*sends, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[int]:
        deflate = ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)
        async with serve(self.handle, "127.0.0.1", 0, compression=None, extensions=[deflate]) as server:
            yield next(iter(server.sockets)).getsockname()[1]


def test_deliveries_are_messages_times_viewers_against_the_limit(programs: Programs) -> None:
    with limit(programs) as target:
        lines = asyncio.run(load(programs, target.port, "closed:0.1:10,paced:0.1:50"))
    for line in (lines["closed"], lines["paced"]):
        assert line["deliveries"] == line["comment_published"] * VIEWERS > 0
        assert (line["comment_missed"], line["stalled"]) == (0, 0)


@pytest.mark.parametrize("extension", [[], ["-ext", DEFLATE]], ids=["plain", "deflate"])
async def test_a_flood_is_accounted_for_to_the_unit(programs: Programs, extension: list[str]) -> None:
    async with Room().open() as port:
        line = (await load(programs, port, "flood:0.5:60:20", *OPTIONS, *extension))["flood"]
    comments = line["comments"]
    assert comments["asked"] == comments["ok"] + comments["hidden"] + comments["refused"]["busy"] > 20
    assert line["comment_deliveries"] == comments["ok"] * VIEWERS
    assert line["host_deliveries"] == line["says"]["ok"] * VIEWERS > 0
    assert (line["payload_wire"] < line["payload_plain"]) == bool(extension)
    assert (line["unanswered"], line["answered_twice"], line["comment_missed"], line["stalled"]) == (0, 0, 0, 0)


async def test_viewers_who_were_cut_resume_without_a_gap(programs: Programs) -> None:
    async with Room().open() as port:
        line = (await load(programs, port, "paced:0.2:50,cut:200", *OPTIONS))["cut"]
    assert line["resumed"] == VIEWERS
    assert (line["seq_gaps"], line["seq_backwards"], line["behind"], line["resets"]) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda pushes: [] if '"seq":3,' in pushes[0] else pushes, "seq_gaps"),
        (lambda pushes: pushes * 2 if '"seq":3,' in pushes[0] else pushes, "seq_backwards"),
    ],
    ids=["lost", "twice"],
)
async def test_a_fault_in_the_seq_is_seen_by_every_viewer(
    programs: Programs, spoil: Callable[[list[str]], list[str]], fault: str
) -> None:
    async with Room(spoil).open() as port:
        line = (await load(programs, port, "paced:0.2:50", *OPTIONS))["paced"]
    assert line[fault] == VIEWERS + 1  # the host watches, too


async def test_a_second_reply_is_counted(programs: Programs) -> None:
    room = Room()
    room.replies = 2
    async with room.open() as port:
        line = (await load(programs, port, "paced:0.2:50", *OPTIONS))["paced"]
    assert line["answered_twice"] >= line["says"]["asked"] - 1 > 0


async def test_old_messages_of_a_snapshot_are_no_deliveries(programs: Programs) -> None:
    async with Room().open() as port:
        line = (await load(programs, port, "paced:0.2:50,joins:0", *OPTIONS))["joins"]
    assert line["deliveries"] == 0
    assert line["joins"]["ok"] == VIEWERS
