"""Service: what a shop does with its webhooks. Every function looks only at the shop it is given.

Those that change something take a `claim`: the same key again has one effect and gets the first answer.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from livestream.protocol.errors import ErrorCode, Refused
from livestream.storage import idempotency
from livestream.storage.idempotency import Claim
from livestream.storage.pool import Connection, Database

from . import signature, store
from .resolver import Targets
from .schedule import State
from .store import Delivery, Endpoint
from .target import TargetRefused

ENDPOINTS_PER_SHOP = 10
PAGE_MAX = 200
OVERLAP_S = 86_400.0  #: how long two secrets sign, so that a shop can take its time
_KEY_BYTES = 32
_TYPE = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")
_TYPES_MAX, _TYPE_CHARS = 100, 100
_REPLAY_SIZE = 5000  #: in one transaction, far below its time-outs
_T = TypeVar("_T")


class EndpointSecret(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint with the secret that was just made. It is not shown again."""

    endpoint: Endpoint
    secret: str


class DeliveryPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some deliveries, newest first."""

    deliveries: list[Delivery]
    next: str | None  #: `before` of the next page; None: there is none


class DeliveryBody(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery with what is sent."""

    delivery: Delivery
    body: msgspec.Raw


async def add_endpoint(
    database: Database,
    targets: Targets,
    shop_id: str,
    url: str,
    *,
    events: Sequence[str] | None = None,
    claim: Claim | None = None,
) -> EndpointSecret:
    """Send a shop's webhooks there from now on.

    Args:
        events: types it wants; None: all, those to come included.

    Raises:
        Refused: INVALID, WEBHOOK_TARGET_REFUSED, WEBHOOK_LIMIT.
    """
    wanted = _types(events)
    address = await _checked(targets, url)

    async def add(tx: Connection) -> EndpointSecret:
        secret = _new_secret()
        made = await store.add_endpoint(tx, shop_id, address, wanted, secret, ENDPOINTS_PER_SHOP)
        if made is None:
            raise Refused(ErrorCode.WEBHOOK_LIMIT, f"at most {ENDPOINTS_PER_SHOP} a shop")
        return EndpointSecret(endpoint=made, secret=secret)

    return await _once(database, claim, EndpointSecret, add)


async def list_endpoints(database: Database, shop_id: str) -> list[Endpoint]:
    """All of a shop, in the order they were added."""
    async with database.read() as connection:
        return await store.endpoints(connection, shop_id)


async def change_endpoint(
    database: Database,
    targets: Targets,
    shop_id: str,
    endpoint_id: str,
    *,
    url: str | UnsetType = UNSET,
    events: Sequence[str] | UnsetType | None = UNSET,
    claim: Claim | None = None,
) -> Endpoint:
    """Change what is given. What is pending goes to the new URL.

    Raises:
        Refused: INVALID, WEBHOOK_TARGET_REFUSED, WEBHOOK_NOT_FOUND.
    """
    wanted = UNSET if events is UNSET else _types(events)
    address = UNSET if url is UNSET else await _checked(targets, url)

    async def change(tx: Connection) -> Endpoint:
        present = await _locked(tx, shop_id, endpoint_id)
        return await store.change_endpoint(
            tx,
            endpoint_id,
            present.url if address is UNSET else address,
            present.events if wanted is UNSET else wanted,
        )

    return await _once(database, claim, Endpoint, change)


async def remove_endpoint(database: Database, shop_id: str, endpoint_id: str, *, claim: Claim | None = None) -> None:
    """Forget an endpoint and its secrets. Its deliveries can be looked at until they are old.

    Raises:
        Refused: WEBHOOK_NOT_FOUND.
    """

    async def remove(tx: Connection) -> None:
        if not await store.remove_endpoint(tx, shop_id, endpoint_id):
            raise Refused(ErrorCode.WEBHOOK_NOT_FOUND)

    await _once(database, claim, type(None), remove)


async def rotate_secret(
    database: Database, shop_id: str, endpoint_id: str, *, overlap_s: float = OVERLAP_S, claim: Claim | None = None
) -> EndpointSecret:
    """Give an endpoint a new secret; the one before signs too for a while. One before that no longer does.

    Without a claim, a second try would drop the very secret that the receiver checks with.

    Args:
        overlap_s: 0 where the old one leaked.

    Raises:
        Refused: WEBHOOK_NOT_FOUND.
    """

    async def rotate(tx: Connection) -> EndpointSecret:
        secret = _new_secret()
        await _locked(tx, shop_id, endpoint_id)
        return EndpointSecret(endpoint=await store.change_secret(tx, endpoint_id, secret, overlap_s), secret=secret)

    return await _once(database, claim, EndpointSecret, rotate)


async def disable_endpoint(
    database: Database, shop_id: str, endpoint_id: str, *, claim: Claim | None = None
) -> Endpoint:
    """Send nothing there any more: what is pending fails soon, what happens meanwhile is not kept for it.

    Raises:
        Refused: WEBHOOK_NOT_FOUND.
    """

    async def disable(tx: Connection) -> Endpoint:
        await _locked(tx, shop_id, endpoint_id)
        return await store.disable_endpoint(tx, endpoint_id)

    return await _once(database, claim, Endpoint, disable)


async def enable_endpoint(
    database: Database, shop_id: str, endpoint_id: str, *, claim: Claim | None = None
) -> Endpoint:
    """Send there again what happens from now on; `replay_failed` fetches what failed before.

    Raises:
        Refused: WEBHOOK_NOT_FOUND.
    """

    async def enable(tx: Connection) -> Endpoint:
        await _locked(tx, shop_id, endpoint_id)
        return await store.enable_endpoint(tx, endpoint_id)

    return await _once(database, claim, Endpoint, enable)


async def send_ping(database: Database, shop_id: str, endpoint_id: str, *, claim: Claim | None = None) -> Delivery:
    """Send a test event, of type `ping`, to this endpoint alone.

    Raises:
        Refused: WEBHOOK_NOT_FOUND, WEBHOOK_DISABLED.
    """

    async def ping(tx: Connection) -> Delivery:
        await _enabled(tx, shop_id, endpoint_id)
        return await store.add_ping(tx, shop_id, endpoint_id)

    return await _once(database, claim, Delivery, ping)


async def list_deliveries(
    database: Database,
    shop_id: str,
    *,
    endpoint_id: str | None = None,
    state: State | None = None,
    type: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> DeliveryPage:
    """A page of deliveries, newest first.

    Args:
        before: `next` of the page before.
        limit: 1 to `PAGE_MAX`; what is outside is taken as the nearest.
    """
    limit = max(1, min(limit, PAGE_MAX))
    async with database.read() as connection:
        found = await store.deliveries(
            connection, shop_id, limit + 1, before=before, endpoint_id=endpoint_id, state=state, type_=type
        )
    page = found[:limit]
    return DeliveryPage(deliveries=page, next=page[-1].id if len(found) > limit else None)


async def show_delivery(database: Database, shop_id: str, delivery_id: str) -> DeliveryBody:
    """One delivery with its body.

    Raises:
        Refused: DELIVERY_NOT_FOUND.
    """
    async with database.transaction(snapshot=True) as tx:
        found = await store.delivery(tx, shop_id, delivery_id)
        body = None if found is None else await store.body(tx, shop_id, found.message)
    if found is None or body is None:
        raise Refused(ErrorCode.DELIVERY_NOT_FOUND)
    return DeliveryBody(delivery=found, body=msgspec.Raw(body))


async def replay_delivery(
    database: Database, shop_id: str, delivery_id: str, *, claim: Claim | None = None
) -> Delivery:
    """Send one again, under its old message id and with all its tries; one that is pending is sent at once.

    Raises:
        Refused: DELIVERY_NOT_FOUND, WEBHOOK_DISABLED.
    """

    async def replay(tx: Connection) -> Delivery:
        found = await store.delivery(tx, shop_id, delivery_id)
        if found is None:
            raise Refused(ErrorCode.DELIVERY_NOT_FOUND)
        await _enabled(tx, shop_id, found.endpoint)
        await store.replay(tx, delivery_id)
        again = await store.delivery(tx, shop_id, delivery_id)
        if again is None:
            raise Refused(ErrorCode.DELIVERY_NOT_FOUND)
        return again

    return await _once(database, claim, Delivery, replay)


async def replay_failed(database: Database, shop_id: str, endpoint_id: str, since_ms: int) -> int:
    """Send again all that failed of what happened since; returns how many. Again, it finds what failed meanwhile.

    Raises:
        Refused: WEBHOOK_NOT_FOUND, WEBHOOK_DISABLED.
    """
    count = 0
    while True:
        async with database.transaction() as tx:
            await _enabled(tx, shop_id, endpoint_id)
            replayed = await store.replay_failed(tx, endpoint_id, since_ms, _REPLAY_SIZE)
        count += replayed
        if replayed < _REPLAY_SIZE:
            return count


async def _once(
    database: Database, claim: Claim | None, answer: type[_T], do: Callable[[Connection], Awaitable[_T]]
) -> _T:
    async with database.transaction() as tx:
        return await idempotency.once(tx, claim, answer, lambda: do(tx))


async def _locked(tx: Connection, shop_id: str, endpoint_id: str) -> Endpoint:
    found = await store.lock_endpoint(tx, shop_id, endpoint_id)
    if found is None:
        raise Refused(ErrorCode.WEBHOOK_NOT_FOUND)
    return found


async def _enabled(tx: Connection, shop_id: str, endpoint_id: str) -> None:
    if (await _locked(tx, shop_id, endpoint_id)).disabled_at is not None:
        raise Refused(ErrorCode.WEBHOOK_DISABLED)


async def _checked(targets: Targets, url: str) -> str:
    try:
        return str(await targets.check(url))
    except TargetRefused as error:
        raise Refused(ErrorCode.WEBHOOK_TARGET_REFUSED, str(error)) from None


def _types(events: Sequence[str] | None) -> list[str] | None:
    """Raises:
    Refused: INVALID.
    """
    if events is None:
        return None
    wanted = sorted(set(events))
    if not 1 <= len(wanted) <= _TYPES_MAX:
        raise Refused(ErrorCode.INVALID, f"`events` has 1 to {_TYPES_MAX} types, or is left out for all")
    for each in wanted:
        if len(each) > _TYPE_CHARS or not _TYPE.fullmatch(each):
            raise Refused(ErrorCode.INVALID, "an event's type is words with dots between, `refund.confirmed` say")
    return wanted


def _new_secret() -> str:
    return signature.secret_of(secrets.token_bytes(_KEY_BYTES))
