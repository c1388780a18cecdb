"""WebhookRoutes: the operations on a shop's webhooks, over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from livestream.protocol.http import (
    ChangedWebhook,
    DeliveryQuery,
    Listed,
    NewWebhook,
    ReplaySince,
    RotateWebhook,
    WebhookView,
)
from livestream.storage.idempotency import Claim
from livestream.storage.pool import Database
from livestream.webhooks import service
from livestream.webhooks.resolver import Targets
from livestream.webhooks.schedule import State

if TYPE_CHECKING:
    from .asked import Asked

#: shop, request, and its key
Run = Callable[[str, "Asked", Claim | None], Awaitable[msgspec.Struct]]


class WebhookRoutes:
    """Handlers by the names of their operations."""

    def __init__(self, database: Database, targets: Targets) -> None:
        self._database = database
        self._targets = targets
        self.handlers: dict[str, Run] = {
            "webhooks": self._list,
            "add_webhook": self._add,
            "change_webhook": self._change,
            "remove_webhook": self._remove,
            "rotate_webhook": self._rotate,
            "enable_webhook": self._enable,
            "disable_webhook": self._disable,
            "ping_webhook": self._ping,
            "replay_webhook": self._replay_failed,
            "deliveries": self._deliveries,
            "delivery": self._delivery,
            "replay_delivery": self._replay,
        }

    async def _list(self, shop_id: str, asked: Asked, claim: Claim | None) -> msgspec.Struct:
        return Listed(items=_plain(await service.list_endpoints(self._database, shop_id)))

    async def _add(self, shop_id: str, asked: Asked, claim: Claim | None) -> msgspec.Struct:
        body: NewWebhook = asked.body
        made = service.add_endpoint(self._database, self._targets, shop_id, body.url, events=body.events, claim=claim)
        return _view(await made)

    async def _change(self, shop_id: str, asked: Asked, claim: Claim | None) -> msgspec.Struct:
        body: ChangedWebhook = asked.body
        return _view(
            await service.change_endpoint(
                self._database,
                self._targets,
                shop_id,
                asked.part("webhook"),
                url=UNSET if body.url is None else body.url,
                events=UNSET if body.events is None else body.events,
                claim=claim,
            )
        )

    async def _remove(self, shop_id: str, asked: Asked, claim: Claim | None) -> msgspec.Struct:
        await service.remove_endpoint(self._database, shop_id, asked.part("webhook"), claim=claim)
        return WebhookView(result={})

    async def _rotate(self, shop_id: str, asked: Asked, claim: Claim | None) -> msgspec.Struct:
        body: RotateWebhook = asked.body
        made = service.rotate_secret(
            self._database, shop_id, asked.part("webhook"), overlap_s=body.overlap_s, claim=claim
        )
        return _view(await made)

    async def _enable(self, shop_id: str, asked: Asked, claim: Claim | None) -> msgspec.Struct:
        return _view(await service.enable_endpoint(self._database, shop_id, asked.part("webhook"), claim=claim))

    async def _disable(self, shop_id: str, asked: Asked, claim: Claim | None) -> msgspec.Struct:
        return _view(await service.disable_endpoint(self._database, shop_id, asked.part("webhook"), claim=claim))

    async def _ping(self, shop_id: str, asked: Asked, claim: Claim | None) -> msgspec.Struct:
        return _view(await service.send_ping(self._database, shop_id, asked.part("webhook"), claim=claim))

    async def _replay_failed(self, shop_id: str, asked: Asked, claim: Claim | None) -> msgspec.Struct:
        body: ReplaySince = asked.body
        count = await service.replay_failed(self._database, shop_id, asked.part("webhook"), body.since)
        return WebhookView(result={"replayed": count})

    async def _deliveries(self, shop_id: str, asked: Asked, claim: Claim | None) -> msgspec.Struct:
        query: DeliveryQuery = asked.query
        page = await service.list_deliveries(
            self._database,
            shop_id,
            endpoint_id=query.endpoint,
            state=None if query.state is None else State(query.state),
            type=query.type,
            before=query.before,
            limit=query.limit,
        )
        return Listed(items=_plain(page.deliveries), next=page.next)

    async def _delivery(self, shop_id: str, asked: Asked, claim: Claim | None) -> msgspec.Struct:
        return _view(await service.show_delivery(self._database, shop_id, asked.part("delivery")))

    async def _replay(self, shop_id: str, asked: Asked, claim: Claim | None) -> msgspec.Struct:
        return _view(await service.replay_delivery(self._database, shop_id, asked.part("delivery"), claim=claim))


def _view(result: msgspec.Struct) -> WebhookView:
    return WebhookView(result=_plain(result))


def _plain(result: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(result))
