"""OwnStates: what the stores know of one viewer who comes in, read for all who come at the same moment.

Who resumes while Postgres is away comes in without, and is told when it is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from livestream.config import Settings
from livestream.parts import Running
from livestream.protocol import codec as wire
from livestream.protocol import limits
from livestream.protocol.codec import Codec
from livestream.protocol.errors import Refused, Unavailable
from livestream.protocol.pushes import Push
from livestream.protocol.roles import Role
from livestream.room import store
from livestream.room.desk import Actor
from livestream.storage import roomlog
from livestream.storage.batcher import Batcher
from livestream.storage.pool import Database
from livestream.storage.roomlog import LoggedNotice

from .channel import Channel, notice_message
from .connection import Connection

_OWED_S = 1.0  #: between attempts to tell who is owed
_NOTHING = store.OwnState(False, [])
_Who = tuple[str, str, str, str]  #: room, shop, pseudonym, the shop's id of them


@dataclass(frozen=True, slots=True)
class Own:
    """What is one viewer's."""

    notices: list[LoggedNotice] = field(default_factory=list)
    buyer: bool = False
    blocked: list[str] = field(default_factory=list)
    pushes: Sequence[Push] = ()  #: what parts have of them, read after the notices
    newer: Sequence[LoggedNotice] = ()  #: notices that came while all that was read; they may say less than `pushes`

    def messages(self, codec: Codec) -> list[bytes]:
        """In the order in which it came to be, as far as that is known."""
        return [
            *(notice_message(notice, codec) for notice in self.notices),
            *(wire.encode(push, codec) for push in self.pushes),
            *(notice_message(notice, codec) for notice in self.newer),
        ]


@dataclass(frozen=True, slots=True)
class _Owed:
    connection: Connection
    who: _Who
    notices_top: int  #: later ones were told when they came


class OwnStates:
    """One process's."""

    def __init__(self, database: Database, parts: Running, settings: Settings) -> None:
        self._database = database
        self._parts = parts
        self._owed: list[_Owed] = []
        self._batcher = Batcher("own states", self._read, size=settings.batch_size, queue=settings.batch_queue)

    def concern(self, channel: Channel, role: Role, *, resumes: bool) -> bool:
        """May there be something? Who resumes knows whom they blocked, and their token whether they bought."""
        if role is Role.ANONYMOUS:
            return False
        return not resumes or channel.notices.top > 0 or self._parts.may_own(channel.state)

    async def of(self, connection: Connection, channel: Channel, actor: Actor, *, resumes: bool) -> Own:
        """What is this viewer's.

        Raises:
            Unavailable: Postgres is away, and it is no resume. Refused: BUSY.
        """
        if not self.concern(channel, actor.role, resumes=resumes):
            return Own()
        who = (channel.room_id, actor.shop_id, actor.pseudonym, actor.viewer_id or "")
        top = channel.notices.top
        try:
            return await self._batcher.submit(who)
        except Unavailable:
            if not resumes:
                raise
            self._owed.append(_Owed(connection, who, top))
            return Own()

    async def run(self) -> None:
        """Task: tell those who are owed."""
        while True:
            await asyncio.sleep(_OWED_S)
            owed, self._owed = self._owed, []
            await asyncio.gather(*(self._pay(each) for each in owed if each.connection.open))

    async def _pay(self, owed: _Owed) -> None:
        try:
            own = await self._batcher.submit(owed.who)
        except (Unavailable, Refused):
            own = None
        if own is None or owed.connection.channel is None:  # or not let in yet
            self._owed.append(owed)
            return
        old = [notice for notice in own.notices if notice.seq <= owed.notices_top]
        messages = Own(old, pushes=own.pushes).messages(owed.connection.variant.codec)
        if messages and owed.connection.open:
            owed.connection.send(messages)

    async def _read(self, batch: Sequence[_Who]) -> list[Own]:
        by_room: dict[tuple[str, str], dict[str, str]] = {}
        for room_id, shop_id, viewer, viewer_id in batch:
            by_room.setdefault((room_id, shop_id), {})[viewer] = viewer_id
        found: dict[tuple[str, str, str], Own] = {}
        async with self._database.read() as connection:
            for (room_id, shop_id), viewers in by_room.items():
                ordered = sorted(viewers)
                notices = await roomlog.unseen_notices(connection, room_id, ordered, limits.SNAPSHOT_NOTICES)
                states = await store.own_states(connection, shop_id, ordered)
                pushes = await self._parts.own(connection, room_id, shop_id, viewers)
                for viewer in viewers:
                    state = states.get(viewer, _NOTHING)
                    found[room_id, shop_id, viewer] = Own(
                        notices.get(viewer, []), state.buyer, state.blocked, pushes.get(viewer, ())
                    )
        return [found[room_id, shop_id, viewer] for room_id, shop_id, viewer, _ in batch]
