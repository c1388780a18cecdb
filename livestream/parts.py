"""Parts: what draws and group buys bring to the processes. Only the composition roots load them, by entry point.

A sibling names its `Part` in the entry point group `livestream.parts`, its
migrations in `livestream.migrations` and its commands for the shell in
`livestream.commands`. Its words on the wire stand with all others in
`livestream.protocol`; what an event means for a room's state, in `protocol.state`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from importlib.metadata import entry_points
from typing import Any, Protocol, runtime_checkable

import msgspec
import redis.asyncio

from livestream.bus import BusMessage
from livestream.config import Settings
from livestream.protocol.commands import Command, Comment
from livestream.protocol.draws import DrawReceipt
from livestream.protocol.errors import ErrorCode
from livestream.protocol.events import RefundRequest
from livestream.protocol.personal import Person
from livestream.protocol.pushes import Push
from livestream.protocol.replies import AnyReply
from livestream.protocol.roles import Role
from livestream.protocol.state import RoomState
from livestream.room.desk import Actor
from livestream.room.local import LocalRoom
from livestream.storage.pool import Connection, Database
from livestream.storage.roomlog import Appended, Logged

#: (connection, room, pseudonyms, since and until in Unix ms) → those of them who joined a team of the room in that time
TeamMembers = Callable[[Connection, str, Sequence[str], int, int], Awaitable[set[str]]]
AskedRefunds = Callable[[Connection, str], Awaitable[Sequence[RefundRequest]]]  #: of a room


@dataclass(frozen=True, slots=True)
class Ground:
    """What a gateway process gives its parts."""

    database: Database
    redis: redis.asyncio.Redis
    settings: Settings
    secret: bytes  #: of the deployment; derive keys from it, never sign with it as it is
    new_id: Callable[[], str]
    now_ms: Callable[[], int]  #: the database's clock, as this process has it
    publish: Callable[[str, BusMessage], None]  #: hands what was committed to the hub and the bus
    origin: int
    team_members: TeamMembers | None = None  #: of the part that has teams


@dataclass(frozen=True, slots=True)
class WorkGround:
    """What a worker gives the chores of its parts."""

    settings: Settings
    secret: bytes  #: of the deployment
    publish: Callable[[str, BusMessage], None]  #: hands what was committed to the gateways; lost while Redis is away
    origin: int
    team_members: TeamMembers | None = None

    def told(self, room_id: str, appended: Appended) -> None:
        """What a transaction appended to a room's logs, once it is committed."""
        self.publish(room_id, BusMessage(origin=self.origin, appended=appended))


@dataclass(frozen=True, slots=True)
class Heard:
    """A comment was more than words: the password of a draw."""

    entered: DrawReceipt | None = None
    refused: ErrorCode | None = None  #: why it is no entry
    why: str | None = None  #: what is missing, in words


@runtime_checkable
class Listener(Protocol):
    """A runner to which comments may mean something."""

    def means(self, comment: Comment, room: LocalRoom) -> bool:
        """May it be more than a comment? Then it counts against the allowance for acts, not against that for talk."""

    async def hear(self, actor: Actor, comment: Comment, room: LocalRoom) -> Heard | None:
        """Judge a comment before it is screened; None: it is only a comment.

        Raises:
            Unavailable, OutcomeUnknown.
        """


@dataclass(frozen=True, slots=True)
class Reading:
    """A read over HTTP that was judged: who asks for what."""

    path: Mapping[str, str]  #: parts of the path by name
    query: Any  #: of the operation's own struct
    shop_id: str = ""  #: for paths under /v1/rooms and /v1/shops
    room_id: str = ""  #: for paths under /v1/rooms
    role: Role | None = None
    who: str = ""  #: pseudonym; empty: nobody in particular
    viewer_id: str = ""  #: the shop's own, of who is in a room


@dataclass(frozen=True, slots=True)
class Download:
    """An answer that is a file."""

    name: str
    content_type: str
    body: bytes


class Runner(Protocol):
    """A part in one gateway process."""

    #: reads by the name of their operation in `protocol.http`
    reads: Mapping[str, Callable[[Reading], Awaitable[msgspec.Struct | Download]]]

    async def run(self, actor: Actor, command: Command, room: LocalRoom) -> AnyReply:
        """Run one command of the part; returns its reply after COMMIT.

        Raises:
            Refused, Unavailable, OutcomeUnknown.
        """

    async def own(
        self, connection: Connection, room_id: str, shop_id: str, viewers: Mapping[str, str]
    ) -> Mapping[str, Sequence[Push]]:
        """What is theirs, for viewers (pseudonym → the shop's id) who come in; told after the snapshot."""

    async def gauges(self, connection: Connection, state: RoomState) -> Mapping[str, int]:
        """Latest values of a room: when it is loaded, as of the moment of `state`, and again every few heartbeats, for
        those that the bus brings meanwhile may be lost.
        """

    def forget(self, room_id: str) -> None:
        """Drop what is kept for a room that nobody is in."""


@runtime_checkable
class Hooked(Protocol):
    """A runner that somebody else's server talks to, at POST /v1/payments/{source}."""

    async def notified(self, source: str, headers: Mapping[str, str], body: bytes) -> None:
        """Take what it says; names of headers are in lower case.

        Raises:
            Refused, Unavailable, OutcomeUnknown: it is to say it again.
        """


@runtime_checkable
class Sighting(Protocol):
    """A runner for which it counts when something could first be seen."""

    def shows(self, shown: RoomState | Sequence[Logged]) -> bool:
        """Is there such a thing in a room's state, or among events? Asked of all that comes: a glance, no more."""

    async def sight(self, room_id: str) -> None:
        """Write down that what Postgres has of a room can be seen now. Takes a moment at most, and raises nothing."""


@dataclass(frozen=True, slots=True)
class Chore:
    """Something that the worker does again and again. `run` returns how much it did."""

    name: str
    every_s: float
    run: Callable[[Database], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Part:
    """What a sibling plugs in."""

    name: str
    commands: frozenset[type[Command]]
    open: Callable[[Ground], Runner]
    chores: Callable[[WorkGround], AbstractAsyncContextManager[Sequence[Chore]]]
    #: what is stored of a person (pseudonym, the shop's id) in these shops, by kind
    export: Callable[[Connection, str, str, Sequence[str]], Awaitable[Mapping[str, list[dict[str, Any]]]]]
    #: a person with what else stands for them in the part's events in these shops
    marks: Callable[[Connection, Person, Sequence[str]], Awaitable[Person]]
    #: takes a person out of everything but the part's own logs in `room_log`, `staff_log` and `notice`
    erase: Callable[[Connection, Person, Sequence[str]], Awaitable[None]]
    #: refunds of a room that wait for a second operator
    asked_refunds: AskedRefunds | None = None
    team_members: TeamMembers | None = None
    #: rooms in which a person has something that the part may tell of, whether or not it did, in these shops
    rooms: Callable[[Connection, Person, Sequence[str]], Awaitable[Sequence[str]]] | None = None


def load() -> tuple[Part, ...]:
    """All that are installed, by name."""
    return tuple(point.load() for point in sorted(entry_points(group="livestream.parts")))


def members_of(parts: Sequence[Part]) -> TeamMembers | None:
    """Of the part that has teams, if one has."""
    return next((part.team_members for part in parts if part.team_members), None)


@dataclass(slots=True)
class Running:
    """The parts of one gateway process."""

    parts: Sequence[Part] = ()
    runners: Sequence[Runner] = ()
    by_command: Mapping[type[Command], Runner] = field(default_factory=dict)
    _listeners: Sequence[Listener] = field(init=False)
    _sightings: Sequence[Sighting] = field(init=False)

    def __post_init__(self) -> None:  # once: to ask whether a protocol is met costs µs, and each comment and event asks
        self._listeners = [each for each in self.runners if isinstance(each, Listener)]
        self._sightings = [each for each in self.runners if isinstance(each, Sighting)]

    @classmethod
    def start(cls, ground: Ground) -> Running:
        parts = load()
        ground = replace(ground, team_members=members_of(parts))
        runners = [part.open(ground) for part in parts]
        return cls(
            parts,
            runners,
            {command: runner for part, runner in zip(parts, runners, strict=True) for command in part.commands},
        )

    async def own(
        self, connection: Connection, room_id: str, shop_id: str, viewers: Mapping[str, str]
    ) -> dict[str, list[Push]]:
        """What every part has of these viewers."""
        found: dict[str, list[Push]] = {}
        for runner in self.runners:
            for viewer, pushes in (await runner.own(connection, room_id, shop_id, viewers)).items():
                found.setdefault(viewer, []).extend(pushes)
        return found

    async def gauges(self, connection: Connection, state: RoomState) -> dict[str, int]:
        """What every part counts in this room."""
        found: dict[str, int] = {}
        for runner in self.runners:
            found |= await runner.gauges(connection, state)
        return found

    async def asked_refunds(self, connection: Connection, room_id: str) -> list[RefundRequest]:
        """What of every part waits in a room for a second operator."""
        asked = [part.asked_refunds for part in self.parts if part.asked_refunds is not None]
        return [each for ask in asked for each in await ask(connection, room_id)]

    def may_own(self, state: RoomState) -> bool:
        """Can anybody have something of a part in this room? All that parts have hangs on a deal or a draw."""
        return bool(self.runners) and bool(state.deals or state.draws)

    async def hear(self, actor: Actor, comment: Comment, room: LocalRoom) -> Heard | None:
        """What a comment means to the parts, if it means anything."""
        for listener in self._listeners:
            if (heard := await listener.hear(actor, comment, room)) is not None:
                return heard
        return None

    def means(self, comment: Comment, room: LocalRoom) -> bool:
        """May it be more than a comment to a part?"""
        return any(each.means(comment, room) for each in self._listeners)

    def sighted(self, shown: RoomState | Sequence[Logged]) -> list[Sighting]:
        """Whom it concerns that this can be seen."""
        return [each for each in self._sightings if each.shows(shown)]

    async def sight(self, room_id: str, shown: RoomState | Sequence[Logged]) -> None:
        """To be awaited before it is shown, where that can wait."""
        for runner in self.sighted(shown):
            await runner.sight(room_id)

    def forget(self, room_id: str) -> None:
        for runner in self.runners:
            runner.forget(room_id)
