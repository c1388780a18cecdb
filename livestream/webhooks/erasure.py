"""Erasure: takes one person out of a webhook that waits, or was sent and may be sent again. Pure.

In the data of a webhook people stand under `viewer`, by the shop's own id, and
what they wrote under `form` beside it. A refund's data is the protocol's own
struct, which says itself what is whose.
"""

from __future__ import annotations

from typing import Any

import msgspec

from livestream.protocol.events import RefundRequest
from livestream.protocol.personal import Person, without

_REFUND = "refund.confirmed"


def erase(body: str, person: Person) -> str:
    """A webhook's body (JSON) without a person; the same text where they are not in it."""
    message = msgspec.json.decode(body)
    data = message["data"]
    if message["type"] == _REFUND:
        refund = msgspec.convert(data, RefundRequest)
        changed: Any = without(refund, person)
        if changed is refund:
            return body
    else:
        changed = _without(data, person.viewer_id)
        if changed == data:
            return body
    return msgspec.json.encode({**message, "data": changed}).decode()


def _without(value: Any, viewer_id: str) -> Any:
    if isinstance(value, list):
        return [_without(each, viewer_id) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("viewer") == viewer_id:
        value = {**value, "viewer": None, **({"form": None} if "form" in value else {})}
    return {name: _without(each, viewer_id) for name, each in value.items()}
