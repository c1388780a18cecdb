"""ShopService: runs the commands about shops, one transaction each: they are few, and nobody waits in line for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import redis.asyncio

from livestream.auth import pseudonym
from livestream.bus import BusMessage
from livestream.parts import Part
from livestream.protocol import shop as s
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.shop import Answer, ShopCommand
from livestream.storage import idempotency
from livestream.storage.idempotency import Claim
from livestream.storage.pool import Contention, Database
from livestream.webhooks.target import Rules

from . import administration, catalogue, erasing, privacy, rehearsal
from .actions import Action, ShopActor

COMMANDS: dict[type[ShopCommand], Callable[[Action, Any], Awaitable[None]]] = {
    s.CreateRoom: administration.create_room,
    s.PutStaff: administration.put_staff,
    s.RemoveStaff: administration.remove_staff,
    s.Revoke: administration.revoke_person,
    s.AddKey: administration.add_key,
    s.RetireKey: administration.retire_key,
    s.SetShop: administration.set_shop,
    s.SetReview: administration.set_review,
    s.PutWords: administration.put_words,
    s.RemoveWords: administration.remove_words,
    s.PutProduct: catalogue.put_product,
    s.RemoveProduct: catalogue.remove_product,
    s.ReportPurchase: catalogue.report_purchase,
    s.ExportViewer: privacy.export_viewer,
    s.EraseViewer: erasing.erase_viewer,
    s.Rehearse: rehearsal.rehearse,
    s.EraseRehearsal: rehearsal.erase_rehearsal,
}
_RETRIES = 5


class ShopService:
    """Commands about shops, in one process.

    Args:
        stand_ins: key of pseudonyms.
        targets: where services of shops may lie.
        publish: hands what was committed to the hub and the bus.
    """

    def __init__(
        self,
        database: Database,
        client: redis.asyncio.Redis,
        stand_ins: bytes,
        publish: Callable[[str, BusMessage], None],
        origin: int,
        targets: Rules,
        parts: Sequence[Part] = (),
    ) -> None:
        self._parts = parts
        self._targets = targets
        self._database = database
        self._redis = client
        self._stand_ins = stand_ins
        self._publish = publish
        self._origin = origin

    async def run(self, actor: ShopActor, command: ShopCommand, key: str | None) -> Answer:
        """Run one command; returns its answer after COMMIT.

        Raises:
            Refused, Unavailable, OutcomeUnknown.
        """
        if actor.role not in command.roles:
            raise Refused(ErrorCode.FORBIDDEN, f"`{command.__struct_config__.tag}` is not for the role {actor.role}")
        for _ in range(_RETRIES):
            try:
                answer = await self._run(actor, command, key)
            except Contention:
                continue
            if isinstance(command, s.EraseViewer):
                who = pseudonym(self._stand_ins, actor.base_shop_id, f"viewer:{command.viewer}")
                await erasing.forget(self._redis, actor.base_shop_id, who, command.viewer)
            return answer
        raise Refused(ErrorCode.BUSY, "the rows stay locked", retry_after_ms=1000)

    async def _run(self, actor: ShopActor, command: ShopCommand, key: str | None) -> Answer:
        # An export is a read: to keep its answer would be to keep what may have to be erased.
        claim = None if key is None or isinstance(command, s.ExportViewer) else _claim(actor, command, key)
        async with self._database.transaction() as tx:
            action = Action(tx, actor, self._stand_ins, self._targets, self._parts)

            async def act() -> Answer:
                await COMMANDS[type(command)](action, command)
                await action.write()
                return action.answer

            answer = await idempotency.once(tx, claim, command.answer, act)
            appended = await action.append()
        for room_id, told in appended.items():
            self._publish(room_id, BusMessage(origin=self._origin, appended=told))
        return answer


def _claim(actor: ShopActor, command: ShopCommand, key: str) -> Claim:
    tag = str(command.__struct_config__.tag)
    return Claim(actor.shop_id, actor.pseudonym, tag, key, idempotency.hash_of(command))
