"""Asked: a request as an operation takes it: body, query and key, validated by the operation's structs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from livestream.auth import Identity
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.http import Operation
from livestream.shop.actions import ShopActor
from livestream.storage import idempotency
from livestream.storage.idempotency import Claim

_KEY = "Idempotency-Key"
_KEY_CHARS = 64


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was judged: who, what, where."""

    request: web.Request
    operation: Operation
    identity: Identity | None
    body: Any
    query: Any
    key: str | None

    def part(self, name: str) -> str:
        """A part of the path."""
        return self.request.match_info[name]


async def read(request: web.Request, operation: Operation, identity: Identity | None) -> Asked:
    """Raises:
    Refused: INVALID.
    """
    body = await _body(request, operation)
    return Asked(request, operation, identity, body, _query(request, operation), _key(request, operation))


def claim_of(actor: ShopActor, asked: Asked) -> Claim | None:
    """The use of a request's key. The same key for another webhook is another request."""
    if asked.key is None:
        return None
    slot = "@".join((asked.operation.name, *(asked.request.match_info[each] for each in ("webhook", "delivery")
                                              if each in asked.request.match_info)))  # fmt: skip
    body_hash = idempotency.hash_of(asked.body)
    return Claim(actor.shop_id, actor.pseudonym, slot, asked.key, body_hash)


async def _body(request: web.Request, operation: Operation) -> Any:
    if operation.body is None:
        return None
    if request.content_type not in ("application/json", "application/octet-stream"):
        raise web.HTTPUnsupportedMediaType
    raw = await request.read()
    try:
        return msgspec.json.decode(raw or b"{}", type=operation.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(ErrorCode.INVALID, str(error)) from None


def _query(request: web.Request, operation: Operation) -> Any:
    if operation.query is None:
        return None
    try:
        return msgspec.convert(dict(request.query), operation.query, strict=False)
    except msgspec.ValidationError as error:
        raise Refused(ErrorCode.INVALID, str(error)) from None


def _key(request: web.Request, operation: Operation) -> str | None:
    if not operation.keyed:
        return None
    key = request.headers.get(_KEY)
    if key is None and operation.needs_key:
        raise Refused(ErrorCode.INVALID, f"`{operation.name}` needs the header `{_KEY}`")
    if key is not None and not (0 < len(key) <= _KEY_CHARS and key.isascii() and key.isprintable()):
        raise Refused(ErrorCode.INVALID, f"`{_KEY}` has 1 to {_KEY_CHARS} printable ASCII characters")
    return key
