"""ClientRules: when to come back, how, and what follows on what. Pure: randomness and time are arguments."""

from __future__ import annotations

import enum
from collections import deque
from dataclasses import dataclass, field

from livestream.protocol.errors import CLOSES, ERRORS, CloseCode, ErrorCode

_BASE_S = 0.5
_MOST_S = 20.0
#: a connection that lived so long was a good one: the next wait is short again
STEADY_S = 5.0
_SAMPLES = 16


class Next(enum.Enum):
    """What to do after a connection or a join failed."""

    AGAIN = "again"  #: wait, come back, resume
    FRESH_TOKEN = "fresh_token"  #: the same with a new token
    AFRESH = "afresh"  #: the same without the resume, which is what was refused
    GIVE_UP = "give_up"


def after_close(code: int | None) -> Next:
    """What a close code asks for; None: the line broke without one."""
    if code is None:
        return Next.AGAIN
    if code in CLOSES:
        info = CLOSES[CloseCode(code)]
        return Next.FRESH_TOKEN if info.fresh_token else Next.AGAIN if info.reconnect else Next.GIVE_UP
    if 4100 <= code < 4200:
        return Next.FRESH_TOKEN
    return Next.GIVE_UP if 4200 <= code < 4300 else Next.AGAIN


def after_refusal(code: str, *, resuming: bool) -> Next:
    """What to do when a join was refused."""
    if code in (ErrorCode.TOKEN_INVALID, ErrorCode.TOKEN_EXPIRED):
        return Next.AFRESH if resuming else Next.FRESH_TOKEN
    known = ERRORS.get(ErrorCode(code)) if code in ErrorCode.__members__.values() else None
    return Next.AGAIN if known is not None and known.temporary else Next.GIVE_UP


def after_status(status: int) -> Next:
    """What to do when the handshake was refused over HTTP."""
    return Next.AGAIN if status >= 500 or status in (408, 429) else Next.GIVE_UP


@dataclass(slots=True)
class Backoff:
    """How long to wait before the next try: exponential, with full jitter.

    A thousand clients that lost one server come back spread over the whole
    span, not in a wave that grows sharper with each round.
    """

    tries: int = 0  #: in a row that failed

    def wait_s(self, chance: float, *, at_least_ms: int | None = None) -> float:
        """The next wait.

        Args:
            chance: random in [0, 1).
            at_least_ms: what the server asked for; its hint is jittered already.
        """
        span = min(_MOST_S, _BASE_S * 2.0 ** min(self.tries, 10))
        self.tries += 1
        hint = (at_least_ms or 0) / 1000
        if hint and self.tries == 1:
            return hint
        return hint + span * chance

    def connected_for(self, seconds: float) -> None:
        if seconds >= STEADY_S:
            self.tries = 0


class Step(enum.Enum):
    NEXT = "next"
    REPEATED = "repeated"  #: known already: skip
    GAP = "gap"  #: something is missing: come back and resume


@dataclass(slots=True)
class Cursor:
    """Position in a log whose `seq` rises by exactly 1."""

    seq: int = 0

    def step(self, seq: int) -> Step:
        """Judge the next event, and move when it is the one that follows."""
        if seq == self.seq + 1:
            self.seq = seq
            return Step.NEXT
        return Step.REPEATED if seq <= self.seq else Step.GAP


@dataclass(slots=True)
class ServerClock:
    """How far the server's clock is ahead of ours.

    A heartbeat was stamped before it travelled, so each sample is too small by
    its way here: the largest of the last few is the nearest to the truth.
    """

    _samples: deque[int] = field(default_factory=lambda: deque(maxlen=_SAMPLES))

    def observe(self, server_ms: int, local_ms: int) -> None:
        self._samples.append(server_ms - local_ms)

    @property
    def offset_ms(self) -> int:
        """Add it to the local time; 0 before the first sample."""
        return max(self._samples, default=0)
