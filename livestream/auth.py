"""Auth: who somebody is. Shop tokens (JWT), resume tokens of our own, pseudonyms.

A shop signs a token for each viewer with a key that we know (`shop_key`). The
algorithm is the key's, never the token's. After the join the server hands out
a resume token, which costs a keyed hash to check and no look-up: who somebody
is, a storm of reconnects never asks Postgres.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import jwt
import jwt.algorithms
import msgspec
from jwt.utils import base64url_decode
from msgspec import Meta

from livestream.ids import encode
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.limits import NAME_CHARS
from livestream.protocol.roles import Role
from livestream.protocol.types import RoomId
from livestream.singleflight import SingleFlight

AUDIENCE = "livestream"
_MAC_BYTES = 16
_CACHED_KEYS = 10_000
_LEEWAY_S = 5  #: clocks of shops differ a little
_LATEST_EXP_S = 10**11  #: the year 5138
_VIEWER_ID_CHARS = 200
_KID_CHARS = 64
_BEHIND = 16  #: links that a session may be away from a shop's own token
_STORABLE = r"^[^\x00\ud800-\udfff]*$"  #: Postgres takes neither NUL nor half a surrogate pair


class Identity(msgspec.Struct, frozen=True, array_like=True):
    """What a token says."""

    shop_id: str
    viewer_id: str  #: the shop's id; for anonymous viewers one that lasts a visit
    role: Role
    name: str | None
    room_id: str | None  #: None: any room of the shop
    expires_at_ms: int | None  #: None: does not end by itself
    issued_at_ms: int = 0  #: a revocation after it ends it
    kid: str = ""  #: of the key that signed for it
    buyer: bool = False  #: known to have bought something when the token was made; a resume token's alone
    behind: tuple[str, ...] = ()  #: what else it stands on, through a ticket: `kid:` of a key, `who:` of who invited
    since_ms: int = 0  #: in the room from then on, later by what one was away; a resume token's alone


@dataclass(frozen=True, slots=True)
class ShopKey:
    """A row of `shop_key`."""

    kid: str
    shop_id: str
    algorithm: str  #: HS256 or EdDSA
    key: str  #: HS256: the secret; EdDSA: PEM, public to verify, private to mint


def mint(
    key: ShopKey,
    *,
    viewer_id: str,
    role: Role = Role.VIEWER,
    name: str | None = None,
    room_id: str | None = None,
    ttl_s: int,
    now_ms: int,
    issued_at_ms: int | None = None,
    behind: Sequence[str] = (),
) -> str:
    """Sign a token, as a shop's backend does.

    Args:
        issued_at_ms: of what it stands for, which may have been revoked since; None: now.
        behind: see `Identity`; what is revoked there ends this too.
    """
    claims: dict[str, object] = {
        "iss": key.shop_id,
        "aud": AUDIENCE,
        "sub": viewer_id,
        "role": role.value,
        "iat": (now_ms if issued_at_ms is None else issued_at_ms) // 1000,
        "exp": now_ms // 1000 + ttl_s,
    }
    if name is not None:
        claims["name"] = name
    if room_id is not None:
        claims["room"] = room_id
    if behind:
        claims["behind"] = list(behind)
    return jwt.encode(claims, key.key, algorithm=key.algorithm, headers={"kid": key.kid})


class _Claims(msgspec.Struct):
    iss: str
    sub: Annotated[str, Meta(min_length=1, max_length=_VIEWER_ID_CHARS, pattern=_STORABLE)]
    aud: str | list[str]
    exp: Annotated[float, Meta(ge=0, le=_LATEST_EXP_S)]  # RFC 7519 allows fractions; the bounds keep NaN out
    nbf: float = 0
    iat: Annotated[float, Meta(ge=0, le=_LATEST_EXP_S)] = 0
    role: Role = Role.VIEWER
    name: Annotated[str, Meta(pattern=_STORABLE)] | None = None
    room: RoomId | None = None
    behind: Annotated[tuple[Annotated[str, Meta(max_length=100)], ...], Meta(max_length=_BEHIND)] = ()


_claims = msgspec.json.Decoder(_Claims).decode
_ALGORITHMS = jwt.algorithms.get_default_algorithms()


@dataclass(frozen=True, slots=True)
class _Header:
    kid: str | None
    algorithm: str | None
    critical: bool  #: it demands extensions, and we know none


class TokenVerifier:
    """Verifies shop tokens; keeps keys, and the absence of keys, for a moment.

    Args:
        find_key: by kid; None: there is no such key, or it is retired.
    """

    def __init__(self, find_key: Callable[[str], Coroutine[Any, Any, ShopKey | None]], cache_s: float = 10.0) -> None:
        self._find_key = find_key
        self._cache_s = cache_s
        self._keys: dict[str, tuple[float, ShopKey | None]] = {}
        self._headers: dict[str, _Header] = {}
        self._asked: SingleFlight[str, ShopKey | None] = SingleFlight()

    async def verify(self, token: str, *, now_ms: int) -> Identity:
        """Who the bearer is. Cost: about 20 µs HS256, 150 µs EdDSA.

        Raises:
            Refused: TOKEN_INVALID, TOKEN_EXPIRED.
            Unavailable: the key is not known yet and Postgres is away.
        """
        header = self._header(token)
        key = await self._key(header.kid) if header.kid is not None and _may_be_kid(header.kid) else None
        if key is None:
            raise Refused(ErrorCode.TOKEN_INVALID, "no key of this kid")
        if header.algorithm != key.algorithm or header.critical:
            raise Refused(ErrorCode.TOKEN_INVALID, f"the key is for {key.algorithm}")
        return _identity(_decode(token, key), key, now_ms)

    def _header(self, token: str) -> _Header:
        """All tokens under one key begin with the same header: it is read once."""
        encoded, _, _ = token.partition(".")
        known = self._headers.get(encoded)
        if known is not None:
            return known
        try:
            fields = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, UnicodeError) as error:
            raise Refused(ErrorCode.TOKEN_INVALID, str(error)) from None
        header = _Header(fields.get("kid"), fields.get("alg"), "crit" in fields)
        if len(encoded) <= _KID_CHARS * 2:
            if len(self._headers) >= _CACHED_KEYS:
                self._headers.clear()
            self._headers[encoded] = header
        return header

    async def _key(self, kid: str) -> ShopKey | None:
        now = time.monotonic()
        cached = self._keys.get(kid)
        if cached is not None and cached[0] > now:
            return cached[1]
        key = await self._asked.do(kid, functools.partial(self._find_key, kid))
        if len(self._keys) >= _CACHED_KEYS:
            self._keys.clear()
        self._keys[kid] = (now + self._cache_s, key)
        return key


def _may_be_kid(kid: str) -> bool:
    """Whatever else a stranger writes there never reaches Postgres."""
    return 0 < len(kid) <= _KID_CHARS and kid.isascii() and kid.isprintable()


def _decode(token: str, key: ShopKey) -> _Claims:
    """The signature by PyJWT's algorithm; key and claims by our own means, which costs a third of its whole decode."""
    signed, _, signature = token.rpartition(".")
    try:
        algorithm, prepared = _prepare(key)
        if algorithm.verify(signed.encode(), prepared, base64url_decode(signature)):
            return _claims(base64url_decode(signed.partition(".")[2]))
    except (jwt.PyJWTError, msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Refused(ErrorCode.TOKEN_INVALID, str(error)) from None
    raise Refused(ErrorCode.TOKEN_INVALID, "the signature does not hold")


@functools.lru_cache(maxsize=1000)
def _prepare(key: ShopKey) -> tuple[jwt.algorithms.Algorithm, Any]:
    algorithm = _ALGORITHMS[key.algorithm]
    return algorithm, algorithm.prepare_key(key.key)


def _identity(claims: _Claims, key: ShopKey, now_ms: int) -> Identity:
    if claims.iss != key.shop_id:
        raise Refused(ErrorCode.TOKEN_INVALID, "the key is another shop's")
    if claims.role is Role.ANONYMOUS:
        raise Refused(ErrorCode.TOKEN_INVALID, "no one may be signed in as that")
    if AUDIENCE not in ([claims.aud] if isinstance(claims.aud, str) else claims.aud):
        raise Refused(ErrorCode.TOKEN_INVALID, "the token is for another audience")
    if claims.nbf * 1000 > now_ms + _LEEWAY_S * 1000:
        raise Refused(ErrorCode.TOKEN_INVALID, "the token is not valid yet")
    expires_at_ms = int(claims.exp * 1000)
    if expires_at_ms + _LEEWAY_S * 1000 <= now_ms:
        raise Refused(ErrorCode.TOKEN_EXPIRED)
    # A long name is cut and not refused: the viewer did not choose what their shop calls them.
    name = (claims.name or "").strip()[:NAME_CHARS] or None
    # One that claims to be of the future would outlive a revocation.
    issued_at_ms = min(int(claims.iat * 1000), now_ms)
    return Identity(
        claims.iss,
        claims.sub,
        claims.role,
        name,
        claims.room,
        expires_at_ms,
        issued_at_ms,
        key.kid,
        behind=claims.behind,
    )


def standing(identity: Identity) -> tuple[str, ...]:
    """What an identity stands on: its key, and what was behind that."""
    return (f"kid:{identity.kid}", *identity.behind) if identity.kid else identity.behind


class _Resume(msgspec.Struct, array_like=True):
    room_id: str
    expires_at_ms: int
    identity: Identity
    made_at_ms: int


_resume = msgspec.msgpack.Decoder(_Resume).decode


def sign_resume(secret: bytes, identity: Identity, room_id: str, now_ms: int, ttl_s: int) -> str:
    """A token that lets this identity back into this room, for so long. Cost: 4 µs."""
    body = msgspec.msgpack.encode(_Resume(room_id, now_ms + ttl_s * 1000, identity, now_ms))
    return base64.urlsafe_b64encode(_mac(secret, b"resume", body) + body).decode()


class Back(NamedTuple):
    """Who comes back."""

    identity: Identity
    away_ms: int = 0  #: a break of the line is none


def read_resume(secret: bytes, token: str, room_id: str, now_ms: int, break_s: int) -> Back:
    """Check a resume token.

    Args:
        break_s: who stays away longer, counted from when the token was made, was not in the room meanwhile.

    Raises:
        Refused: TOKEN_INVALID; TOKEN_EXPIRED, it or the shop's token behind it.
    """
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
        body = raw[_MAC_BYTES:]
        good = hmac.compare_digest(raw[:_MAC_BYTES], _mac(secret, b"resume", body))
        resume = _resume(body) if good else None
    except (ValueError, msgspec.DecodeError):
        resume = None
    if resume is None or resume.room_id != room_id:
        raise Refused(ErrorCode.TOKEN_INVALID, "not a resume token of this room")
    tokens_end_ms = resume.identity.expires_at_ms
    if resume.expires_at_ms <= now_ms or (tokens_end_ms is not None and tokens_end_ms <= now_ms):
        raise Refused(ErrorCode.TOKEN_EXPIRED)
    away_ms = now_ms - resume.made_at_ms
    return Back(resume.identity, away_ms if away_ms > break_s * 1000 else 0)


def present(back: Back, show_since_ms: int, now_ms: int) -> Identity:
    """Who comes back, with their absence taken off the time they were in this show. Before it nothing counts, so
    nothing is there to pay an absence with."""
    identity, away_ms = back
    if not identity.since_ms or not away_ms:
        return identity
    since_ms = max(identity.since_ms, show_since_ms) + away_ms
    return msgspec.structs.replace(identity, since_ms=min(since_ms, now_ms))


def pseudonym(key: bytes, shop_id: str, viewer_key: str) -> str:
    """The public stand-in for one viewer of one shop: 13 characters, the same in every room and process.

    Args:
        key: the database's, see `pseudonyms`.
    """
    return _stand_in(key, b"pseudonym", shop_id, viewer_key)


def log_pseudonym(secret: bytes, shop_id: str, viewer_key: str) -> str:
    """The stand-in for logs: who reads both a log and the screen cannot match them."""
    return _stand_in(secret, b"log pseudonym", shop_id, viewer_key)


def _stand_in(secret: bytes, context: bytes, shop_id: str, viewer_key: str) -> str:
    digest = _mac(secret, context, msgspec.msgpack.encode((shop_id, viewer_key)))
    return encode(int.from_bytes(digest[:9], "big") >> 7)


def _mac(secret: bytes, context: bytes, body: bytes) -> bytes:
    return hashlib.blake2b(body, key=secret[:64], person=context, digest_size=_MAC_BYTES).digest()
