"""Tokens: who is let in, as whom, and everything that is not."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from livestream.auth import Identity, ShopKey, TokenVerifier, mint
from livestream.protocol.errors import ErrorCode, Refused, Unavailable
from livestream.protocol.roles import Role

NOW_MS = 1_790_000_000_000
KEY = ShopKey("k1", "shop", "HS256", "s" * 32)


class Keys:
    """A key store that counts how often it is asked."""

    def __init__(self, *keys: ShopKey) -> None:
        self.keys = {key.kid: key for key in keys}
        self.asked: list[str] = []
        self.away = False

    async def find(self, kid: str) -> ShopKey | None:
        self.asked.append(kid)
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("postgres")
        return self.keys.get(kid)


def token(key: ShopKey = KEY, *, drop: str = "", algorithm: str | None = None, **claims: object) -> str:
    """A token whose claims are all good but for those given."""
    now_s = NOW_MS // 1000
    good = {"iss": "shop", "aud": "livestream", "sub": "ann", "role": "viewer", "iat": now_s, "exp": now_s + 600}
    body = {name: value for name, value in (good | claims).items() if name != drop}
    return jwt.encode(body, key.key, algorithm=algorithm or key.algorithm, headers={"kid": key.kid})


async def verify(text: str, *keys: ShopKey, now_ms: int = NOW_MS) -> Identity:
    return await TokenVerifier(Keys(*(keys or (KEY,))).find).verify(text, now_ms=now_ms)


async def refused(text: str, *keys: ShopKey, now_ms: int = NOW_MS) -> ErrorCode:
    with pytest.raises(Refused) as caught:
        await verify(text, *keys, now_ms=now_ms)
    return caught.value.code


def ed25519_pair(kid: str = "e1") -> tuple[ShopKey, ShopKey]:
    """The shop's half and ours."""
    private = Ed25519PrivateKey.generate()
    signing = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = (
        private.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    return ShopKey(kid, "shop", "EdDSA", signing), ShopKey(kid, "shop", "EdDSA", public)


def minted(key: ShopKey, role: Role = Role.VIEWER) -> str:
    return mint(key, viewer_id="ann", role=role, name="Ann", room_id="r1", ttl_s=60, now_ms=NOW_MS)


async def test_what_was_minted_is_what_is_read() -> None:
    found = await verify(minted(KEY, Role.HOST))
    assert found == Identity("shop", "ann", Role.HOST, "Ann", "r1", NOW_MS + 60_000, NOW_MS, KEY.kid)


async def test_a_token_of_a_private_key_holds_under_the_public_one() -> None:
    private, public = ed25519_pair()
    assert (await verify(minted(private), public)).viewer_id == "ann"


async def test_a_role_that_is_not_said_is_viewer() -> None:
    assert (await verify(token(drop="role"))).role is Role.VIEWER


async def test_a_fraction_in_exp_is_allowed() -> None:
    assert (await verify(token(exp=NOW_MS / 1000 + 0.5))).expires_at_ms == NOW_MS + 500


@pytest.mark.parametrize("claim", ["exp", "iss", "aud", "sub"])
async def test_a_claim_that_is_required_is_missed(claim: str) -> None:
    assert await refused(token(drop=claim)) is ErrorCode.TOKEN_INVALID


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "other"},
        {"aud": "other"},
        {"role": "anonymous"},
        {"role": "king"},
        {"role": 1},
        {"sub": ""},
        {"sub": "a\0b"},
        {"sub": "a\ud800b"},
        {"sub": "x" * 201},
        {"name": "a\0b"},
        {"room": "\0"},
        {"exp": "tomorrow"},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": -1},
        {"nbf": NOW_MS * 10},
    ],
    ids=str,
)
async def test_a_claim_that_does_not_fit_is_refused(claims: dict[str, Any]) -> None:
    assert await refused(token(**claims)) is ErrorCode.TOKEN_INVALID


@pytest.mark.parametrize(("said", "shown"), [("x" * 41, "x" * 40), ("  ", None), (" Ann ", "Ann")])
async def test_a_name_is_cut_to_what_the_wire_allows(said: str, shown: str | None) -> None:
    assert (await verify(token(name=said))).name == shown


async def test_a_token_expires_at_its_exp_and_five_seconds_of_grace() -> None:
    text = token()
    assert (await verify(text, now_ms=NOW_MS + 604_999)).viewer_id == "ann"
    assert await refused(text, now_ms=NOW_MS + 605_000) is ErrorCode.TOKEN_EXPIRED


async def test_a_token_without_a_signature_is_refused() -> None:
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": "k1"}).encode()).rstrip(b"=")
    body = token().split(".")[1]
    assert await refused(f"{header.decode()}.{body}.") is ErrorCode.TOKEN_INVALID


async def test_the_public_key_taken_as_a_shared_secret_is_refused() -> None:
    _, public = ed25519_pair("k1")
    head, body, _ = token().split(".")
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        f"{head}.{body}".encode(), public.key.encode()
    )
    forged = f"{head}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert await refused(forged, public) is ErrorCode.TOKEN_INVALID


async def test_another_hash_than_the_keys_is_refused() -> None:
    key = ShopKey("k1", "shop", "HS256", "s" * 64)
    assert await refused(token(key, algorithm="HS512"), key) is ErrorCode.TOKEN_INVALID


async def test_another_key_of_the_same_kid_is_refused() -> None:
    assert await refused(token(ShopKey("k1", "shop", "HS256", "t" * 32))) is ErrorCode.TOKEN_INVALID


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "\0", "\ud800", "é.é.é", "x" * 3000], ids=repr)
async def test_what_is_no_token_is_refused(text: str) -> None:
    assert await refused(text) is ErrorCode.TOKEN_INVALID


@pytest.mark.parametrize("kid", ["", "a\0b", "\ud800", "é", "a\nb", "x" * 65], ids=repr)
async def test_a_kid_that_no_key_can_have_is_refused_without_a_question(kid: str) -> None:
    keys = Keys(KEY)
    with pytest.raises(Refused):
        await TokenVerifier(keys.find).verify(token(ShopKey(kid, "shop", "HS256", "s" * 32)), now_ms=NOW_MS)
    assert keys.asked == []


async def test_a_token_without_kid_is_refused() -> None:
    assert await refused(jwt.encode({"iss": "shop"}, "s" * 32, algorithm="HS256")) is ErrorCode.TOKEN_INVALID


async def test_a_key_is_asked_for_once_by_a_storm_and_remembered() -> None:
    keys = Keys(KEY)
    verifier = TokenVerifier(keys.find)
    await asyncio.gather(*(verifier.verify(token(sub=f"v{n}"), now_ms=NOW_MS) for n in range(100)))
    await verifier.verify(token(), now_ms=NOW_MS)
    assert keys.asked == ["k1"]


async def test_a_key_that_is_not_there_is_remembered_too() -> None:
    keys = Keys()
    verifier = TokenVerifier(keys.find)
    for _ in range(3):
        with pytest.raises(Refused):
            await verifier.verify(token(), now_ms=NOW_MS)
    assert keys.asked == ["k1"]


async def test_a_retired_key_is_noticed_after_the_cache_time() -> None:
    keys = Keys(KEY)
    verifier = TokenVerifier(keys.find, cache_s=0.0)
    await verifier.verify(token(), now_ms=NOW_MS)
    keys.keys.clear()
    with pytest.raises(Refused):
        await verifier.verify(token(), now_ms=NOW_MS)


async def test_a_store_that_is_away_is_not_remembered_and_fails_all_who_wait() -> None:
    keys = Keys(KEY)
    keys.away = True
    verifier = TokenVerifier(keys.find)
    tries = [verifier.verify(token(), now_ms=NOW_MS) for _ in range(3)]
    assert all(isinstance(each, Unavailable) for each in await asyncio.gather(*tries, return_exceptions=True))
    keys.away = False
    assert (await verifier.verify(token(), now_ms=NOW_MS)).viewer_id == "ann"


async def test_one_who_leaves_while_asking_does_not_strand_the_others() -> None:
    keys = Keys(KEY)
    verifier = TokenVerifier(keys.find)
    first = asyncio.ensure_future(verifier.verify(token(), now_ms=NOW_MS))
    second = asyncio.ensure_future(verifier.verify(token(), now_ms=NOW_MS))
    await asyncio.sleep(0)
    first.cancel()
    outcome = await asyncio.wait_for(asyncio.gather(second, return_exceptions=True), 1)
    assert isinstance(outcome[0], Unavailable | Identity)
    assert (await verifier.verify(token(), now_ms=NOW_MS)).viewer_id == "ann"
