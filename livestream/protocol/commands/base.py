"""Command: what every command has: who may send it, how often, what it answers, which errors it may get."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from .. import types
from ..errors import ErrorCode as E
from ..limits import RateClass
from ..replies import Reply
from ..roles import Role


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="t"):
    """What every command has."""

    ref: types.Ref

    roles: ClassVar[frozenset[Role]]  #: who may send it; anyone else gets `forbidden`
    rate: ClassVar[RateClass]
    reply: ClassVar[type[Reply]]
    errors: ClassVar[tuple[E, ...]] = ()  #: beside those every command may get
    #: over HTTP who is banned may send it too: it is about what is theirs already, and nobody in the room hears of it
    despite_ban: ClassVar[bool] = False


#: any command may be answered with these
COMMON_ERRORS = (
    E.INVALID, E.UNKNOWN_COMMAND, E.NOT_JOINED, E.FORBIDDEN, E.RATE_LIMITED,
    E.BUSY, E.UNAVAILABLE, E.OUTCOME_UNKNOWN, E.INTERNAL,
)  # fmt: skip
