"""Resume tokens and pseudonyms: what was signed comes back unchanged, and nothing else comes back at all."""

from __future__ import annotations

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livestream.auth import Identity, log_pseudonym, present, pseudonym, read_resume, sign_resume
from livestream.ids import ALPHABET
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.roles import Role

SECRET = b"0123456789abcdef0123456789abcdef"
BREAK_S = 60
TTL_S = 900
_WORD = st.text(st.characters(codec="utf-8"), max_size=40)
_MS = st.integers(min_value=0, max_value=2**53 - 1)
_SPAN = st.integers(0, TTL_S * 1000 - 1)
_IDENTITY = st.builds(
    Identity,
    shop_id=_WORD,
    viewer_id=_WORD,
    role=st.sampled_from(Role),
    name=st.none() | _WORD,
    room_id=st.none() | _WORD,
    expires_at_ms=st.none() | _MS,
)


def _code(token: str, *, secret: bytes = SECRET, room: str = "r", now_ms: int = 0) -> ErrorCode | None:
    try:
        read_resume(secret, token, room, now_ms, BREAK_S)
    except Refused as refused:
        return refused.code
    return None


@given(_IDENTITY, _WORD, _MS, st.integers(min_value=0, max_value=2 * TTL_S * 1000))
def test_an_identity_comes_back_until_the_earlier_of_both_ends(
    identity: Identity, room: str, made_ms: int, later_ms: int
) -> None:
    token = sign_resume(SECRET, identity, room, made_ms, TTL_S)
    now_ms, ends_ms = made_ms + later_ms, made_ms + TTL_S * 1000
    ends = [ends_ms] if identity.expires_at_ms is None else [ends_ms, identity.expires_at_ms]
    if now_ms < min(ends):
        assert read_resume(SECRET, token, room, now_ms, BREAK_S).identity == identity
    else:
        assert _code(token, room=room, now_ms=now_ms) is ErrorCode.TOKEN_EXPIRED


@given(_IDENTITY, st.integers(1, 2**40), st.integers(0, 2**20), st.lists(st.tuples(_SPAN, _SPAN), max_size=4), _SPAN)
def test_what_was_watched_of_a_show_is_what_was_there_of_it(
    identity: Identity, came_ms: int, show_ms: int, visits: list[tuple[int, int]], last_ms: int
) -> None:
    """Any visits and ways to be away, before the show and in it: breaks of the line count, absences do not."""
    show_ms += came_ms
    here = msgspec.structs.replace(identity, since_ms=came_ms, expires_at_ms=None)
    now_ms, watched_ms = came_ms, 0
    for stayed_ms, away_ms in visits:
        left_ms = now_ms + stayed_ms
        watched_ms += max(0, left_ms - max(now_ms, show_ms))
        now_ms = left_ms + away_ms
        if away_ms <= BREAK_S * 1000:
            watched_ms += max(0, now_ms - max(left_ms, show_ms))
        token = sign_resume(SECRET, here, "r", left_ms, TTL_S)
        here = present(read_resume(SECRET, token, "r", now_ms, BREAK_S), show_ms, now_ms)
    end_ms = now_ms + last_ms
    watched_ms += max(0, end_ms - max(now_ms, show_ms))
    assert max(0, end_ms - max(here.since_ms, show_ms)) == watched_ms


@given(_IDENTITY, st.integers(min_value=0), st.integers(1, 255))
def test_a_changed_byte_is_refused(identity: Identity, place: int, change: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(sign_resume(SECRET, identity, "r", 0, TTL_S)))
    raw[place % len(raw)] ^= change
    assert _code(base64.urlsafe_b64encode(raw).decode()) is ErrorCode.TOKEN_INVALID


@given(_IDENTITY)
def test_another_room_or_another_secret_is_refused(identity: Identity) -> None:
    token = sign_resume(SECRET, identity, "r", 0, TTL_S)
    assert _code(token, room="r2") is ErrorCode.TOKEN_INVALID
    assert _code(token, secret=SECRET[::-1]) is ErrorCode.TOKEN_INVALID


@given(st.text(max_size=200))
def test_what_is_no_token_is_refused(text: str) -> None:
    assert _code(text) is ErrorCode.TOKEN_INVALID


@given(_WORD, _WORD)
def test_a_pseudonym_is_thirteen_characters_and_always_the_same(shop: str, viewer: str) -> None:
    made = pseudonym(SECRET, shop, viewer)
    assert len(made) == 13
    assert set(made) <= set(ALPHABET)
    assert made == pseudonym(SECRET, shop, viewer)


@pytest.mark.parametrize("other", [("shop", "bob"), ("shop2", "ann"), ("sho", "pann")])
def test_pseudonyms_differ_between_viewers_and_between_shops(other: tuple[str, str]) -> None:
    assert pseudonym(SECRET, "shop", "ann") != pseudonym(SECRET, *other)


def test_the_logs_pseudonym_is_not_the_public_one() -> None:
    assert log_pseudonym(SECRET, "shop", "ann") != pseudonym(SECRET, "shop", "ann")
    assert log_pseudonym(SECRET, "shop", "ann") == log_pseudonym(SECRET, "shop", "ann")
