"""Own states: who resumes while Postgres is away comes in all the same, and is told what is theirs when it is back."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import msgspec
import pytest

from gateway.connection import Connection
from gateway.own import Own, OwnStates
from livestream.config import Settings
from livestream.parts import Running
from livestream.protocol.errors import Unavailable
from livestream.protocol.events import YouMayTalk
from livestream.protocol.pushes import OwnSeats
from livestream.storage import roomlog
from livestream.storage.pool import Database
from livestream.storage.roomlog import LoggedNotice
from tests.support.nodes import actor, node, until
from tests.support.receivers import PLAIN


class Peer:
    """A connection, as far as it is asked here."""

    variant = PLAIN
    open = True
    channel: object = "the room"

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []

    def send(self, messages: list[bytes]) -> None:
        self.got += [msgspec.json.decode(message) for message in messages]


async def test_who_resumes_while_postgres_is_away_is_told_later_what_is_theirs(
    database: Database, settings: Settings, seeded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.transaction() as tx:
        told = await roomlog.append(tx, seeded, [], [], [(actor().pseudonym, YouMayTalk())])
    monkeypatch.setattr("gateway.own._OWED_S", 0.02)
    async with node(database, settings) as process:
        channel = await process.hub.channel(seeded)
        away = await Database.connect(settings.database_url, settings)
        await away.close()
        states, peer = OwnStates(away, Running(), settings), Peer()
        connection = cast(Connection, peer)
        with pytest.raises(Unavailable):
            await states.of(connection, channel, actor(), resumes=False)
        assert await states.of(connection, channel, actor(), resumes=True) == Own()
        paying = asyncio.create_task(states.run())
        await asyncio.sleep(0.1)
        assert peer.got == []
        states._database = database
        await until(lambda: bool(peer.got))
        await asyncio.sleep(0.1)
        paying.cancel()
    assert [each["notice"] for each in peer.got] == [told.notices[0].seq]


async def test_where_nothing_can_be_theirs_nobody_who_resumes_is_looked_up(
    database: Database, settings: Settings, seeded: str
) -> None:
    async with node(database, settings) as process:
        channel = await process.hub.channel(seeded)
        assert process.parts.runners
        states = OwnStates(database, process.parts, settings)
        assert not states.concern(channel, actor().role, resumes=True)
        assert states.concern(channel, actor().role, resumes=False)
        channel.local.state = msgspec.structs.replace(channel.state, draws=(None,))  # type: ignore[arg-type]
        assert states.concern(channel, actor().role, resumes=True)


def test_what_was_read_later_is_told_later() -> None:
    old, newer = [LoggedNotice(seq, seq, "ann", msgspec.json.encode(YouMayTalk())) for seq in (1, 2)]
    own = Own([old], pushes=[OwnSeats(seats=[])], newer=[newer])
    told = [msgspec.json.decode(message) for message in own.messages(PLAIN.codec)]
    assert [(each["t"], each.get("notice")) for each in told] == [("notice", 1), ("own_seats", None), ("notice", 2)]
