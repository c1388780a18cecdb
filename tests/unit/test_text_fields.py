"""Fields in which somebody may write what they like: what none of them takes, and that each of them is known."""

from __future__ import annotations

import msgspec
import pytest

from tests.support import texts

#: whatever else a body needs, so that only its texts can be wrong
GIVEN = {
    "comment": "0" * 13, "who": "p", "to": "p", "message": "0" * 13, "starts_at": 0, "seconds": 60, "show": True,
    "comments": ["0" * 13], "refund": "0" * 13, "confirm": True, "room": "r", "role": "host", "action": "hold",
    "product": "p", "price": 1, "currency": "PLN", "value": 1, "url": "https://a.example/", "draw": "0" * 32,
    "stock": 2, "steps": [{"people": 2, "price": 1}], "deal": "0" * 13, "team": "0" * 13, "seat": "0" * 13,
    "order": "0" * 13, "prize": 0, "id": "v", "events": None, "amount": 1, "video_url": None, "public_key": None,
    "kid": "k", "ticket": "t",
}  # fmt: skip


@pytest.mark.parametrize(("name", "path"), sorted(texts.fields()))
def test_no_text_takes_a_nul(name: str, path: texts.Path) -> None:
    operation = texts.BY_NAME[name]
    texts.decoded(operation, texts.filled(operation, "hello", GIVEN))
    body = texts.filled(operation, "hello", GIVEN)
    _put(body, path, "a\0b")
    with pytest.raises(msgspec.ValidationError):
        texts.decoded(operation, body)


def _put(value: object, path: texts.Path, text: str) -> None:
    """Replace one text of a body; of a list the first."""
    *way, last = path
    for each in way:
        value = value[0] if each == "[]" else value[each]  # type: ignore[index]
    value[0 if last == "[]" else last] = text  # type: ignore[index]
