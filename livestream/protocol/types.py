"""Scalar types of the wire: what a field of that name may hold, checked while it is decoded."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from . import limits

# Postgres text holds no NUL; JSON allows it escaped, so it is refused at the edge.
_NO_NUL = r"^[^\x00]*$"
_NO_NUL_NOT_BLANK = r"^(?=[^\x00]*[^\s\x00])[^\x00]*$"

Ref = Annotated[int, Meta(ge=0, le=2**32 - 1, description="Chosen by the client; the one reply carries it back.")]
Key = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=limits.KEY_CHARS,
        pattern=_NO_NUL,
        description="Idempotency key: the same key and body again has one effect and the same answer, for 24 h.",
    ),
]
RoomId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$(?!\n)", description="Lower-case id of a room.")]
Id = Annotated[
    str, Meta(pattern=r"^[0-9a-z]{13}$(?!\n)", description="Id of a comment, host message or show; sorts by time.")
]
Text = Annotated[str, Meta(max_length=limits.HOST_MESSAGE_CHARS, pattern=_NO_NUL_NOT_BLANK)]
CommentText = Annotated[str, Meta(max_length=limits.COMMENT_CHARS, pattern=_NO_NUL_NOT_BLANK)]
Name = Annotated[
    str, Meta(max_length=limits.NAME_CHARS, pattern=_NO_NUL_NOT_BLANK, description="Display name, shown to everyone.")
]
Title = Annotated[str, Meta(max_length=limits.TITLE_CHARS, pattern=_NO_NUL_NOT_BLANK)]
ShopsOwn = Annotated[
    str,
    Meta(
        min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]*$(?!\n)", description="The shop's own number of something."
    ),
]
Pem = Annotated[str, Meta(max_length=2000, pattern=_NO_NUL)]
EventName = Annotated[
    str,
    Meta(
        max_length=100,
        pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$(?!\n)",
        description="Type of a webhook: words with dots between, `refund.confirmed` say.",
    ),
]
Caption = Annotated[str, Meta(max_length=limits.TITLE_CHARS, pattern=_NO_NUL, description="Says what a picture shows.")]
Word = Annotated[
    str,
    Meta(min_length=1, max_length=100, pattern=_NO_NUL, description="A word or phrase; `*` at its end: any ending."),
]
Why = Annotated[
    str, Meta(max_length=limits.WHY_CHARS, pattern=_NO_NUL_NOT_BLANK, description="The reason, for the staff log.")
]
Url = Annotated[
    str,
    Meta(
        max_length=limits.URL_CHARS,
        pattern=r"^https?://[^\s\x00/?#@]+([/?#][^\s\x00]*)?$(?!\n)",
        description="Absolute, http or https, without user and password.",
    ),
]
ProductId = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)", description="The shop's own number of a product.")
]
Amount = Annotated[
    int, Meta(ge=0, le=2**53 - 1, description="Money in the currency's smallest unit, as `exponent` tells.")
]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)", description="ISO 4217.")]
Exponent = Annotated[int, Meta(ge=0, le=4, description="Decimal places of the currency: 2 for cents, 0 for yen.")]
TimeZone = Annotated[
    str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_+/-]{0,63}$(?!\n)", description="IANA name, `Europe/Warsaw` say.")
]
ViewerId = Annotated[
    str,
    Meta(min_length=1, max_length=limits.VIEWER_ID_CHARS, pattern=_NO_NUL, description="The shop's id of a person."),
]
SanctionS = Annotated[
    int, Meta(ge=limits.SANCTION_LEAST_S, le=limits.SANCTION_MOST_S, description="Seconds; null: for ever.")
]
Token = Annotated[str, Meta(min_length=1, max_length=limits.TOKEN_CHARS, pattern=_NO_NUL)]
Seq = Annotated[int, Meta(ge=0, le=2**53 - 1, description="Position in a room's log; 0 is before the first event.")]
Millis = Annotated[int, Meta(ge=0, le=2**53 - 1, description="Unix time in milliseconds, on the database's clock.")]
Count = Annotated[int, Meta(ge=0)]
Epoch = Annotated[
    str, Meta(max_length=64, pattern=_NO_NUL, description="Changes when the database was restored to an earlier point.")
]
Pseudonym = Annotated[
    str,
    Meta(
        max_length=64,
        pattern=_NO_NUL,
        description="Stands for one viewer of one shop in public; the shop's own viewer id never leaves us.",
    ),
]
