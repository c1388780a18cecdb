"""Action: what one command about a shop does inside its transaction, and what it causes in rooms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from livestream.parts import Part
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import Acted
from livestream.protocol.roles import Role
from livestream.protocol.shop import Answer, Done, ShopCommand
from livestream.room import desk_store, desk_writes, deskwork
from livestream.room.desk import Decision, Desk
from livestream.room.desk_store import Loaded, Named
from livestream.storage.pool import Connection
from livestream.storage.roomlog import Appended
from livestream.webhooks.target import Rules


@dataclass(frozen=True, slots=True)
class ShopActor:
    """Who asks."""

    shop_id: str  #: asked about: the actor's own, or a rehearsal of it
    base_shop_id: str  #: the actor's own
    viewer_id: str
    pseudonym: str
    role: Role
    name: str


@dataclass(slots=True)
class Action:
    """One command on its way through its transaction. Rooms are locked first, in order, and told last."""

    tx: Connection
    actor: ShopActor
    stand_ins: bytes  #: key of pseudonyms
    targets: Rules  #: where services of shops may lie
    parts: Sequence[Part] = ()
    answer: Answer = field(default_factory=Done)
    _desks: dict[str, tuple[Desk, Loaded]] = field(default_factory=dict)
    _decisions: dict[str, list[Decision]] = field(default_factory=dict)

    @property
    def shop_id(self) -> str:
        return self.actor.shop_id

    def require_real(self) -> None:
        """Refuse it in a rehearsal, whose people are the shop's own, with the same tokens.

        Raises:
            Refused: REHEARSAL.
        """
        if self.actor.shop_id != self.actor.base_shop_id:
            raise Refused(ErrorCode.REHEARSAL, self.actor.shop_id)

    async def lock(self, room_ids: list[str]) -> dict[str, Desk]:
        """Lock rooms that will be told of something."""
        for room_id in sorted(room_ids):
            desk = await desk_store.load(self.tx, room_id, Named())
            self._desks[room_id] = (desk, Loaded.of(desk))
        return {room_id: self._desks[room_id][0] for room_id in room_ids}

    def desk(self, room_id: str) -> Desk:
        """A room that is locked."""
        return self._desks[room_id][0]

    def tell(self, room_id: str, decision: Decision) -> None:
        """Cause something in a room that is locked."""
        self._desks[room_id][0].apply(decision)
        self._decisions.setdefault(room_id, []).append(decision)

    def acted(self, command: ShopCommand, what: str) -> Acted:
        """The entry of the staff log."""
        return Acted(
            who=self.actor.viewer_id,
            name=self.actor.name,
            role=self.actor.role,
            command=str(command.__struct_config__.tag),
            what=what,
        )

    async def write(self) -> None:
        """Write what rooms were caused."""
        for room_id in sorted(self._decisions):
            desk, before = self._desks[room_id]
            await desk_writes.write(self.tx, room_id, before, desk, self._decisions[room_id])

    async def append(self) -> dict[str, Appended]:
        """Append to the rooms' logs: the transaction's last statements."""
        appended = {}
        for room_id in sorted(self._decisions):
            told = await deskwork.append(self.tx, room_id, self._decisions[room_id])
            if told is not None:
                appended[room_id] = told
        return appended


async def rooms_of(tx: Connection, shop_id: str) -> list[str]:
    """All rooms of a shop, in order."""
    rows = await tx.fetch("SELECT room_id FROM room WHERE shop_id = $1 ORDER BY room_id", shop_id)
    return [row["room_id"] for row in rows]
