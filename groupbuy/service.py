"""Service: group buys in one gateway process. Commands, reads, own states, and what the payment provider tells."""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
import structlog

from livestream.parts import Download, Ground, Reading
from livestream.protocol.commands import Command, JoinTeam, LeaveTeam, OpenTeam, PaySeat
from livestream.protocol.errors import ErrorCode, LivestreamError, Refused, Unavailable
from livestream.protocol.pushes import OwnSeats, Push
from livestream.protocol.replies import AnyReply, Posted
from livestream.protocol.state import RoomState
from livestream.room.desk import Actor
from livestream.room.local import LocalRoom
from livestream.room.work import Work
from livestream.storage.pool import Connection

from . import chores, gauges, providers, reads
from .cashier import Cashier
from .engine import Engine, Told
from .herald import Herald
from .operation import Operation
from .payments.port import Forged

Read = Callable[[Connection, Reading], Awaitable[msgspec.Struct | Download]]
_INVITE_BYTES = 16
_PAUSE_S = 0.3  #: before gauges are read: a gauge has a tick of a second anyway
_AGAIN_S = 1.0  #: more, after Postgres was away
_log = structlog.get_logger()


class GroupBuy:
    """The part's runner; see `livestream.parts.Runner`."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._herald = Herald(ground.publish, ground.origin)
        self._telling: asyncio.Task[None] | None = None
        self._operation = Operation(ground.database, ground.new_id, ground.origin)
        self._cashier: Cashier | None = None
        self._engine = Engine(
            ground.database,
            ground.settings,
            ground.new_id,
            lambda: secrets.token_urlsafe(_INVITE_BYTES),
            ground.settings.payment_way,
            self._told,
            ground.origin,
        )
        found: dict[str, Read] = {
            "deals": reads.deals,
            "teams": reads.teams,
            "own_seats": reads.own_seats,
            "orders": reads.orders,
            "settlement": reads.settlement,
        }
        self.reads: Mapping[str, Callable[[Reading], Awaitable[msgspec.Struct | Download]]] = {
            name: self._read(read) for name, read in found.items()
        }

    async def run(self, actor: Actor, command: Command, room: LocalRoom) -> AnyReply:
        """Raises:
        Refused, Unavailable, OutcomeUnknown.
        """
        if isinstance(command, OpenTeam | JoinTeam | LeaveTeam | PaySeat):
            if isinstance(command, PaySeat) and room.state.rehearsal:
                self._require_play_money()
            reply = await self._engine.run(actor, command, room)
            if isinstance(command, PaySeat) and isinstance(reply, Posted):
                reply = await self._page(actor, command, room, reply.id)
        else:
            reply, told = await self._operation.run(Work.of(actor, command, room))
            if told is not None:
                deal_id: str = getattr(command, "deal", "") or getattr(reply, "id", "")
                self._told(deal_id, dataclasses.replace(told, stirred=True))
        return msgspec.structs.replace(reply, ref=command.ref)

    async def _page(self, actor: Actor, command: PaySeat, room: LocalRoom, payment_id: str) -> AnyReply:
        """The page to pay on; where it is over, that of the payment which is begun after it."""
        cashier = self._require_cashier()
        page = await cashier.open(payment_id, actor.room_id)
        if page is None:
            reply = await self._engine.run(actor, command, room)
            assert isinstance(reply, Posted)
            page = await cashier.open(reply.id, actor.room_id)
        if page is None:
            raise Unavailable("payments")
        return page

    async def notified(self, source: str, headers: Mapping[str, str], body: bytes) -> None:
        """What the provider tells.

        Raises:
            Refused: WEBHOOK_FORGED.
            Unavailable, OutcomeUnknown: it will tell again.
        """
        if source != self._ground.settings.payments:
            raise Refused(ErrorCode.WEBHOOK_FORGED, source)
        try:
            done = await self._require_cashier().notified(headers, body, self._ground.now_ms() / 1000)
        except Forged as forged:
            raise Refused(ErrorCode.WEBHOOK_FORGED, str(forged)) from forged
        if done is not None:
            self._told(*done)

    async def own(
        self, connection: Connection, room_id: str, shop_id: str, viewers: Mapping[str, str]
    ) -> Mapping[str, Sequence[Push]]:
        found = await reads.seats_of(connection, room_id, list(viewers))
        return {viewer: [OwnSeats(seats=seats)] for viewer, seats in found.items()}

    async def gauges(self, connection: Connection, state: RoomState) -> Mapping[str, int]:
        found = await gauges.read(connection, [deal.id for deal in state.deals]) if state.deals else {}
        return {key: value for own in found.values() for key, value in own.values().items()}

    def forget(self, room_id: str) -> None:
        """Nothing is kept for a room."""

    def _require_play_money(self) -> None:
        if self._ground.settings.payments != providers.SANDBOX:
            raise Refused(ErrorCode.PAYMENT_REFUSED, "a rehearsal pays in the sandbox alone")

    def _require_cashier(self) -> Cashier:
        # Made at the first use: an HTTP client wants the running loop, and most processes never need one.
        if self._cashier is None:
            ground = self._ground
            provider = providers.provider(ground.settings, ground.secret)
            if provider is None:
                raise Unavailable("payments")
            self._cashier = Cashier(
                ground.database, provider, providers.return_url(ground.settings), ground.origin, self._told
            )
        return self._cashier

    def _told(self, deal_id: str, told: Told) -> None:
        self._herald.told(deal_id, told)
        if self._herald.stirred and self._telling is None:
            # It ends with what is to be told, and its failures are logged: it needs no keeper.
            self._telling = asyncio.get_running_loop().create_task(self._tell_gauges(), name="groupbuy gauges")

    async def _tell_gauges(self) -> None:
        """Many changes at once, and that a deal sold out with them."""
        database = self._ground.database
        try:
            while self._herald.stirred:
                await asyncio.sleep(_PAUSE_S)
                try:
                    for deal_id in await self._herald.tell_gauges(database):
                        await chores.tell_sold_out(database, self._told, deal_id)
                except LivestreamError as error:
                    _log.warning("groupbuy.gauges", error=repr(error))
                    await asyncio.sleep(_AGAIN_S)
        finally:
            self._telling = None

    def _read(self, read: Read) -> Callable[[Reading], Awaitable[msgspec.Struct | Download]]:
        async def run(reading: Reading) -> msgspec.Struct | Download:
            async with self._ground.database.read() as connection:
                return await read(connection, reading)

        return run
