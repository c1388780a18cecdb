"""Join: from a `join` command to a viewer in the room. The join storm goes through here.

Who is it → load the room → what do they miss → one frame: `joined`, then the
snapshot or the missed events. The last step has no await in it: between the
snapshot at N and the registration nothing can happen, so what follows is > N.
"""

from __future__ import annotations

import dataclasses
import secrets
import time

import msgspec

from livestream.auth import Back, Identity, TokenVerifier, present
from livestream.bus import BusMessage
from livestream.metrics import JOINS
from livestream.protocol import codec as wire
from livestream.protocol.commands import Join
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import Arrived, SanctionKind
from livestream.protocol.pushes import Gauge
from livestream.protocol.replies import Joined, Me
from livestream.protocol.roles import STAFF, Role
from livestream.revocations import Revocations
from livestream.room.admission import actor_of
from livestream.room.desk import Actor
from livestream.room.local import LocalRoom
from livestream.tickets import Tickets

from .attendance import Attendance
from .channel import Channel
from .clock import Clock
from .connection import Connection
from .frames import end_of_blocks, stored_block
from .hub import Hub
from .own import Own, OwnStates
from .resumes import Resumes
from .ring import Variant

_ARRIVALS_S = 1.0  #: at most one arrival is told a room, process and so many seconds
_encode = msgspec.json.Encoder().encode
_JOINS = {how: JOINS.labels(how) for how in ("fresh", "resumed", "anonymous")}


class Joiner:
    """Lets connections into rooms."""

    def __init__(
        self,
        hub: Hub,
        verifier: TokenVerifier,
        revocations: Revocations,
        tickets: Tickets,
        attendance: Attendance,
        resumes: Resumes,
        stand_ins: bytes,
        clock: Clock,
        origin: int,
        own_states: OwnStates,
    ) -> None:
        self._hub = hub
        self._own_states = own_states
        self._verifier = verifier
        self._revocations = revocations
        self._tickets = tickets
        self._attendance = attendance
        self._resumes = resumes
        self._stand_ins = stand_ins
        self._clock = clock
        self._origin = origin
        self._arrival_at: dict[str, float] = {}

    def resume(self, connection: Connection, command: Join) -> bool:
        """Let somebody back in for whom everything is here: no task, no turn of the loop. The storm of resumes.

        Returns: False: `join` is to look further.

        Raises:
            Refused: TOKEN_INVALID, BANNED, NAME_REFUSED.
        """
        resume, channel = command.resume, self._hub.channels.get(command.room)
        if resume is None or channel is None or resume.epoch != channel.epoch:
            return False
        if channel.behind_viewer(resume.seq, resume.staff_seq) or not channel.tail.reaches(resume.seq):
            return False
        try:
            identity = self._present(self._resumes.read(resume.token, command.room), channel)
        except Refused:
            return False
        if self._own_states.concern(channel, identity.role, resumes=True):
            return False
        self._enter(connection, channel, command, identity, self._admit(identity, channel.local), Own())
        return True

    async def join(self, connection: Connection, command: Join) -> None:
        """Let a connection in, and tell it all it needs, in one frame.

        Raises:
            Refused, Unavailable: the connection may try again.
        """
        back, ticket = await self._identify(command)
        channel = await self._hub.channel(command.room)
        identity = self._present(back, channel)
        actor = self._admit(identity, channel.local)
        notices_top = channel.notices.top
        own = await self._own_states.of(connection, channel, actor, resumes=command.resume is not None)
        await self._catch_up(channel, command)
        if ticket is not None:
            await self._tickets.redeem(ticket, self._clock.now_ms())  # the last that may refuse, so that it is not lost
        if not connection.open:
            return
        self._require_welcome(identity, actor, channel.local)  # once more: what was read since may say otherwise
        # What came while we read went to those who were in; it may or may not be in what was read.
        known = {notice.seq for notice in own.notices}
        mine = None if actor.viewer_id is None else actor.pseudonym
        newer = [n for n in channel.notices_since(notices_top, mine) if n.seq not in known]
        self._enter(connection, channel, command, identity, actor, dataclasses.replace(own, newer=newer))

    async def _catch_up(self, channel: Channel, command: Join) -> None:
        """Nobody is taken back in time, or given a snapshot while Postgres has what they missed."""
        resume = command.resume
        if resume is None or resume.epoch != channel.epoch:
            return
        if channel.behind_viewer(resume.seq, resume.staff_seq):
            await self._hub.catch_up(channel)
        if channel.tail.may_reach_back_to(resume.seq):
            await self._hub.read_back(channel)

    # -- in; no await from here on: between the snapshot at N and the registration nothing can happen

    def _enter(
        self, connection: Connection, channel: Channel, command: Join, identity: Identity, actor: Actor, own: Own
    ) -> None:
        if not identity.since_ms:
            identity = msgspec.structs.replace(identity, since_ms=self._clock.now_ms())
            actor = msgspec.structs.replace(actor, since_ms=identity.since_ms)
        if own.buyer and not actor.buyer:
            actor = msgspec.structs.replace(actor, buyer=True)
        if identity.buyer != actor.buyer:
            identity = msgspec.structs.replace(identity, buyer=actor.buyer)
        staff = identity.role in STAFF
        if staff:
            connection.variant = connection.variant._replace(staff=True)
            connection.allow_staff_frames()
        connection.viewer = None if actor.viewer_id is None else actor.pseudonym
        connection.grounds = actor.grounds
        connection.expires_at_ms = identity.expires_at_ms
        connection.identity = identity
        resumed = self._greet(connection, channel, command, identity, actor, own)
        if not connection.open:
            return  # it reads so slowly that the greeting was too much
        connection.session.joined(actor)
        connection.channel = channel
        channel.add(connection)
        _JOINS["resumed" if resumed else "anonymous" if identity.role is Role.ANONYMOUS else "fresh"].inc()
        if staff:
            self._attendance.came(channel, actor)
        if not resumed and identity.role is Role.VIEWER and actor.name:
            self._tell_arrival(command.room, actor.name)

    # -- who

    async def _identify(self, command: Join) -> tuple[Back, str | None]:
        """Who that is, and the ticket that must be redeemed for it."""
        now_ms = self._clock.now_ms()
        if command.resume is not None:
            try:
                return self._resumes.read(command.resume.token, command.room), None
            except Refused:
                if command.token is None:
                    raise
        if command.token is not None:
            return Back(await self._verifier.verify(command.token, now_ms=now_ms)), None
        if command.ticket is not None:
            return Back(await self._tickets.look(command.ticket, now_ms)), command.ticket
        anonymous = Identity(
            shop_id="",
            viewer_id=secrets.token_urlsafe(9),
            role=Role.ANONYMOUS,
            name=command.name,
            room_id=command.room,
            expires_at_ms=None,
            issued_at_ms=now_ms,
        )
        return Back(anonymous), None

    def _present(self, back: Back, channel: Channel) -> Identity:
        show = channel.local.state.show
        return present(back, 0 if show is None else show.began_at or show.starts_at, self._clock.now_ms())

    def _admit(self, identity: Identity, room: LocalRoom) -> Actor:
        """Who that is in this room.

        Raises:
            Refused: TOKEN_INVALID, BANNED, NAME_REFUSED.
        """
        anonymous = identity.role is Role.ANONYMOUS
        if not anonymous and (identity.shop_id != room.base_shop_id or identity.room_id not in (None, room.room_id)):
            raise Refused(ErrorCode.TOKEN_INVALID, "the token is for another room")
        actor = actor_of(self._stand_ins, identity, room)
        self._require_welcome(identity, actor, room)
        return actor

    def _require_welcome(self, identity: Identity, actor: Actor, room: LocalRoom) -> None:
        if self._revocations.covers(identity, room.base_shop_id, actor.pseudonym):
            raise Refused(ErrorCode.TOKEN_INVALID, "it was revoked")
        ban = room.sanction(actor.pseudonym, SanctionKind.BAN, self._clock.now_ms())
        if ban is not None:
            left_ms = None if ban.until is None else max(0, ban.until - self._clock.now_ms())
            raise Refused(ErrorCode.BANNED, ban.why or "", retry_after_ms=left_ms)

    # -- what

    def _greet(
        self,
        connection: Connection,
        channel: Channel,
        command: Join,
        identity: Identity,
        actor: Actor,
        own: Own,
    ) -> bool:
        """Write the one frame; returns whether it was a resume."""
        codec = connection.variant.codec
        missed = self._missed(connection.variant, channel, command)
        joined = wire.encode(self._joined(command, channel, identity, actor, own, missed is not None), codec)
        # The snapshot's values may be a moment old, and a gauge that rests is not told again: these are of now.
        values = wire.encode(Gauge(values=channel.gauges), codec)
        rest = [values, *own.messages(codec)]
        if missed is not None:
            connection.send([joined, *missed, *rest])
        else:
            self._send_snapshot(connection, channel, joined, rest)
        return missed is not None

    def _missed(self, variant: Variant, channel: Channel, command: Join) -> list[bytes] | None:
        resume = command.resume
        if resume is None or resume.epoch != channel.epoch:
            return None
        missed = channel.tail.pushes_since(resume.seq, variant.codec)
        if missed is None or not variant.staff:
            return missed
        staff = channel.staff_tail.pushes_since(resume.staff_seq, variant.codec)
        return None if staff is None else missed + staff

    def _joined(
        self, command: Join, channel: Channel, identity: Identity, actor: Actor, own: Own, resumed: bool
    ) -> Joined:
        now_ms = self._clock.now_ms()
        return Joined(
            ref=command.ref,
            room=command.room,
            epoch=channel.epoch,
            now=now_ms,
            me=Me(
                id=actor.pseudonym,
                role=actor.role,
                name=actor.name or None,
                expires_at=identity.expires_at_ms,
                buyer=actor.buyer,
                muted=channel.local.sanction(actor.pseudonym, SanctionKind.MUTE, now_ms),
                blocked=own.blocked,
            ),
            resume=self._resumes.issue(identity, command.room),
            resumed=resumed,
        )

    def _send_snapshot(self, connection: Connection, channel: Channel, joined: bytes, rest: list[bytes]) -> None:
        """The snapshot was encoded, and compressed, once for everybody: splice it between what is this viewer's."""
        codec, deflate, staff, _ = connection.variant
        head, tail = wire.frame_around([joined], rest, codec)
        if deflate:
            block = channel.snapshot_block(codec, staff)
            payload = stored_block(head) + block + stored_block(tail) + end_of_blocks()
        else:
            payload = head + channel.snapshot_message(codec, staff) + tail
        connection.send_payload(payload, compressed=deflate)

    def _tell_arrival(self, room_id: str, name: str) -> None:
        now = time.monotonic()
        if now - self._arrival_at.get(room_id, 0.0) < _ARRIVALS_S:
            return
        self._arrival_at[room_id] = now
        self._hub.publish(room_id, BusMessage(origin=self._origin, live=[_encode(Arrived(name=name))]))
