"""Show: the state machine of one show. Pure: no I/O, no clock, no randomness.

    SCHEDULED ──> WARM_UP ──> LIVE <──> PAUSED
        │  └────────────────────^ │        │
        └────────> ENDED <────────┴────────┘        (WARM_UP ends too)

Everything that changes a show's state lives in this file.
"""

from __future__ import annotations

import msgspec

from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import Show, ShowChanged
from livestream.protocol.show import ShowState as S

TRANSITIONS: dict[S, frozenset[S]] = {
    S.SCHEDULED: frozenset({S.WARM_UP, S.LIVE, S.ENDED}),
    S.WARM_UP: frozenset({S.LIVE, S.ENDED}),
    S.LIVE: frozenset({S.PAUSED, S.ENDED}),
    S.PAUSED: frozenset({S.LIVE, S.ENDED}),
    S.ENDED: frozenset(),
}

#: states in which viewers may comment and like
TALKING = frozenset({S.WARM_UP, S.LIVE, S.PAUSED})


def schedule(current: Show | None, show_id: str, title: str, starts_at: int, time_zone: str) -> ShowChanged:
    """Decide to announce the next show.

    Raises:
        Refused: SHOW_OPEN, the present one has not ended.
    """
    if current is not None and current.state is not S.ENDED:
        raise Refused(ErrorCode.SHOW_OPEN, f"the show {current.title!r} is {current.state}")
    return ShowChanged(show=Show(id=show_id, title=title, state=S.SCHEDULED, starts_at=starts_at, time_zone=time_zone))


def move(current: Show | None, to: S, now_ms: int) -> ShowChanged:
    """Decide to move the show on.

    Raises:
        Refused: NO_SHOW, ILLEGAL_TRANSITION.
    """
    if current is None:
        raise Refused(ErrorCode.NO_SHOW)
    if to not in TRANSITIONS[current.state]:
        raise Refused(ErrorCode.ILLEGAL_TRANSITION, f"from {current.state} to {to}")
    changes: dict[str, object] = {"state": to}
    if current.state is S.SCHEDULED and to in TALKING:
        changes["began_at"] = now_ms
    if to is S.LIVE and current.live_at is None:
        changes["live_at"] = now_ms
    if to is S.ENDED:
        changes["ended_at"] = now_ms
    return ShowChanged(show=msgspec.structs.replace(current, **changes))


def require_talking(current: Show | None) -> Show:
    """Viewers may comment and like only while a show warms up, runs or pauses.

    Raises:
        Refused: COMMENTS_CLOSED.
    """
    if current is None or current.state not in TALKING:
        state = "no show" if current is None else str(current.state)
        raise Refused(ErrorCode.COMMENTS_CLOSED, state)
    return current
