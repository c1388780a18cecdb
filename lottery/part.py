"""Part: what draws plug into the processes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

from livestream.parts import Chore, Ground, Heard, Part, WorkGround
from livestream.protocol import commands as c
from livestream.protocol.pushes import Push
from livestream.protocol.replies import AnyReply
from livestream.protocol.state import RoomState
from livestream.room.desk import Actor
from livestream.room.local import LocalRoom
from livestream.storage.pool import Connection
from livestream.storage.roomlog import Logged

from . import claims, privacy, sighting
from .conducting import Conductor
from .entering import Entering
from .hosting import Hosting
from .reads import Reads, entered
from .relays import Relays


class Lottery:
    """Draws in one gateway process."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._entering = Entering(ground)
        self._hosting = Hosting(ground)
        self._reads = Reads(ground)
        self.reads = self._reads.by_name

    async def run(self, actor: Actor, command: c.Command, room: LocalRoom) -> AnyReply:
        match command:
            case c.EnterDraw():
                return await self._entering.enter(actor, command)
            case c.ClaimPrize() | c.DeclinePrize():
                return await claims.claim(self._ground, actor, command, room)
            case _:
                return await self._hosting.run(actor, command, room)

    def means(self, comment: c.Comment, room: LocalRoom) -> bool:
        return self._entering.password_of(comment, room) is not None

    async def hear(self, actor: Actor, comment: c.Comment, room: LocalRoom) -> Heard | None:
        return await self._entering.hear(actor, comment, room)

    async def own(
        self, connection: Connection, room_id: str, shop_id: str, viewers: Mapping[str, str]
    ) -> Mapping[str, Sequence[Push]]:
        return await self._reads.own(connection, room_id, viewers)

    async def gauges(self, connection: Connection, state: RoomState) -> Mapping[str, int]:
        return await entered(connection, state.draws)

    def shows(self, shown: RoomState | Sequence[Logged]) -> bool:
        return sighting.shows_root(shown)

    async def sight(self, room_id: str) -> None:
        await sighting.see_roots(self._ground.database, room_id)

    def forget(self, room_id: str) -> None:
        self._entering.forget(room_id)


@contextlib.asynccontextmanager
async def _chores(ground: WorkGround) -> AsyncIterator[Sequence[Chore]]:
    async with Relays.open(ground.settings.drand_relays) as relays:
        conductor = Conductor(relays, ground.told, ground.team_members)
        yield (
            Chore("close_draws", 0.25, conductor.close),
            Chore("publish_roots", 0.25, conductor.publish),
            Chore("see_roots", 0.25, conductor.see),
            Chore("draw_winners", 0.25, conductor.draw),
            Chore("ask_beacon", 0.25, conductor.ask),
            Chore("pass_prizes_on", 1.0, conductor.pass_on),
            Chore("forget_claims", 300.0, claims.forget),
        )


PART = Part(
    name="draws",
    commands=frozenset(
        {
            c.CreateDraw, c.SaveTemplate, c.OpenDraw, c.CloseDraw, c.CancelDraw, c.RevealDraw, c.EnterDraw,
            c.ClaimPrize, c.DeclinePrize, c.MarkClaimed, c.DisqualifyWinner,
        }
    ),
    open=Lottery,
    chores=_chores,
    export=privacy.export,
    marks=privacy.marks,
    erase=privacy.erase,
    rooms=privacy.rooms,
)  # fmt: skip
