"""Session: what one connection may do now. Pure: no I/O; the time is an argument.

NEW ──join──> JOINING ──joined──> JOINED
 ^───────────────┘ refused
"""

from __future__ import annotations

import enum

import msgspec

from livestream.protocol.commands import Command, Join
from livestream.protocol.errors import CloseCode, ErrorCode, ProtocolViolation, Refused
from livestream.protocol.limits import RATES, Rate, RateClass
from livestream.ratelimit import TokenBucket
from livestream.room.desk import Actor

#: refusals for rate that a connection may collect before it is closed as a flood
_PATIENCE = Rate(100, 2.0)


class SessionState(enum.Enum):
    NEW = "new"  #: must join before the join deadline
    JOINING = "joining"
    JOINED = "joined"


class Session:
    """State of one connection on the protocol's level."""

    __slots__ = ("_buckets", "_patience", "actor", "state")

    def __init__(self) -> None:
        self.state = SessionState.NEW
        self.actor: Actor | None = None
        self._buckets: dict[RateClass, TokenBucket] | None = None  # most viewers only watch
        self._patience: TokenBucket | None = None

    def admit(self, command: Command, kind: RateClass, rates: dict[RateClass, Rate], now: float) -> None:
        """May this command, which counts as of that kind, run now?

        Raises:
            Refused: NOT_JOINED, ALREADY_JOINED, FORBIDDEN, RATE_LIMITED.
            ProtocolViolation: FLOOD, after many RATE_LIMITED.
        """
        if isinstance(command, Join):
            if self.state is not SessionState.NEW:
                raise Refused(ErrorCode.ALREADY_JOINED)
        elif self.actor is None:
            raise Refused(ErrorCode.NOT_JOINED)
        elif self.actor.role not in command.roles:
            raise Refused(
                ErrorCode.FORBIDDEN, f"`{command.__struct_config__.tag}` is not for the role {self.actor.role}"
            )
        self._take(kind, rates, now)

    def _take(self, kind: RateClass, rates: dict[RateClass, Rate], now: float) -> None:
        if self._buckets is None:
            self._buckets = {}
        rate = rates[kind]
        bucket = self._buckets.get(kind)
        if bucket is None:
            bucket = self._buckets[kind] = TokenBucket(rate, now)
        if not bucket.take(rate, now):
            self.lose_patience(now)
            raise Refused(ErrorCode.RATE_LIMITED, str(kind), retry_after_ms=bucket.wait_ms(rate))

    def lose_patience(self, now: float) -> None:
        """Count a command that could not be run.

        Raises:
            ProtocolViolation: FLOOD, too many of them.
        """
        if self._patience is None:
            self._patience = TokenBucket(_PATIENCE, now)
        if not self._patience.take(_PATIENCE, now):
            raise ProtocolViolation(CloseCode.FLOOD, "went on after many refusals")

    def joining(self) -> None:
        self.state = SessionState.JOINING

    def joined(self, actor: Actor) -> None:
        self.state = SessionState.JOINED
        self.actor = actor

    def became_buyer(self) -> None:
        if self.actor is not None:
            self.actor = msgspec.structs.replace(self.actor, buyer=True)

    def refused_to_join(self) -> None:
        self.state = SessionState.NEW


def rates(overrides: dict[RateClass, Rate]) -> dict[RateClass, Rate]:
    """The protocol's rates, with a deployment's own."""
    return {**RATES, **overrides}
