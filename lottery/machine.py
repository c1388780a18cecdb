"""Machine: what may happen to a draw, and when. Pure: no I/O, no clock, no randomness.

    ANNOUNCED ──> OPEN ──> CLOSED ──> DRAWN ──> SETTLED
        └─> CANCELLED <┘      └─> VOID

Each function decides and changes nothing; `evolve` (of the protocol, so that
clients have the very same) applies what was decided, and is total. Nobody
holds a lever: after the close nothing can be called off, and the moment of
the close fixes the beacon's round.
"""

from __future__ import annotations

from collections.abc import Sequence

from livestream.protocol import limits
from livestream.protocol.draw_state import ACTIVE
from livestream.protocol.draw_state import evolve_draw as evolve
from livestream.protocol.draws import (
    Draw,
    DrawAnnounced,
    DrawCancelled,
    DrawClosed,
    DrawDrawn,
    DrawOpened,
    DrawPassedOn,
    DrawPrizeLapsed,
    DrawRevealed,
    DrawRooted,
    DrawSettled,
    DrawState,
    DrawVoided,
    DrawWinner,
    PassedWhy,
    VoidWhy,
)
from livestream.protocol.errors import ErrorCode, Refused

from . import cohosts, quicknet
from .conduct import beacon_round
from .proof import Drawing
from .rules import REVEAL_S, CohostsBeacon, DrandBeacon, Rules

__all__ = [
    "announce", "cancel", "close", "draw", "due", "evolve", "is_due", "lapse", "open_", "pass_on", "publish",
    "reveal", "reveal_is_over", "settle", "void_unrevealed", "void_unseen", "was_seen",
]  # fmt: skip

#: a root must be out so long before its round: a transaction may hang for 2 s between the clock and COMMIT before
#: Postgres ends it, and then it is still to be seen
ROOT_MARGIN_MS = 4000
#: and so long before must a later transaction have found it: the way to the first viewer may take a heartbeat
SEEN_MARGIN_MS = 1000


def announce(new: Draw, waiting: int) -> DrawAnnounced:
    """Put a draw into the queue of `waiting` others.

    Raises:
        Refused: DRAW_QUEUE_FULL.
    """
    if waiting >= limits.DRAW_QUEUE:
        raise Refused(ErrorCode.DRAW_QUEUE_FULL, f"{waiting} are announced")
    return DrawAnnounced(draw=new)


def open_(current: Draw, opened: Draw, others: Sequence[Draw]) -> DrawOpened:
    """Take entries from now on.

    Raises:
        Refused: DRAW_STATE, it is not waiting; DRAW_ACTIVE, another one of the room is under way.
    """
    _require(current, DrawState.ANNOUNCED)
    if any(each.state in ACTIVE for each in others):
        raise Refused(ErrorCode.DRAW_ACTIVE)
    return DrawOpened(draw=opened)


def due(closes_at: int, now_ms: int, frozen_at: int | None) -> bool:
    """The latest close has come; at exactly that instant it has. In a break the room's clock stands still."""
    return (now_ms if frozen_at is None else min(now_ms, frozen_at)) >= closes_at


def close(current: Draw, rules: Rules, now_ms: int) -> DrawClosed:
    """Freeze the entries; the beacon's round follows from this moment.

    Raises:
        Refused: DRAW_STATE.
    """
    _require(current, DrawState.OPEN)
    number = beacon_round(rules, now_ms)
    at = quicknet.time_of(number) if isinstance(rules.beacon, DrandBeacon) else None
    return DrawClosed(draw=current.id, closed_at=now_ms, round=number, beacon_at=at)


def publish(current: Draw, root: bytes, count: int, weight: int, now_ms: int) -> DrawRooted | DrawVoided:
    """Publish the root, or void the draw when the beacon may be known already: a later round would be a choice.

    Raises:
        Refused: DRAW_STATE, it is not closed, or its root is out.
    """
    _require(current, DrawState.CLOSED)
    if current.root:
        raise Refused(ErrorCode.DRAW_STATE, "its root is out")
    if current.beacon_at is not None and now_ms > current.beacon_at - ROOT_MARGIN_MS:
        return DrawVoided(draw=current.id, why=VoidWhy.LATE_ROOT)
    return DrawRooted(draw=current.id, root=root.hex(), entries=count, weight=weight, at=now_ms, round=current.round)


def was_seen(current: Draw, now_ms: int) -> bool:
    """A transaction after the root's own finds it now: is that before its beacon?

    COMMIT has no limit in time: the moment that stands with a root does not say when it became visible. `sighting`
    says the same in SQL, for all draws of a room at once.
    """
    return current.beacon_at is None or now_ms <= current.beacon_at - SEEN_MARGIN_MS


def void_unseen(current: Draw, now_ms: int) -> DrawVoided:
    """Nobody saw the root before the beacon, which is there.

    Raises:
        Refused: DRAW_STATE, there may still be time.
    """
    _require(current, DrawState.CLOSED)
    if current.beacon_at is None or now_ms < current.beacon_at:
        raise Refused(ErrorCode.DRAW_STATE, "the beacon is not there")
    # It is known to be out since now, and the proof says no more than is known.
    return DrawVoided(draw=current.id, why=VoidWhy.LATE_ROOT, rooted_at=now_ms)


def reveal(current: Draw, rules: Rules, party: int, secret: bytes, now_ms: int) -> DrawRevealed:
    """A co-host, counted from 1, reveals its secret.

    Raises:
        Refused: REVEAL_REFUSED, with the reason.
    """
    require_promised(current.id, rules, party, secret)
    if current.state is not DrawState.CLOSED:
        raise Refused(ErrorCode.REVEAL_REFUSED, f"the draw is {current.state}")
    if current.rooted_at is None:
        raise Refused(ErrorCode.REVEAL_REFUSED, "the root is not out")
    if reveal_is_over(current, now_ms):
        raise Refused(ErrorCode.REVEAL_REFUSED, f"{REVEAL_S} s are over")
    if party in current.revealed:
        raise Refused(ErrorCode.REVEAL_REFUSED, "it was revealed")
    return DrawRevealed(draw=current.id, party=party, secret=secret.hex())


def require_promised(draw_id: str, rules: Rules, party: int, secret: bytes) -> None:
    """Rules never change, so this holds without a lock.

    Raises:
        Refused: REVEAL_REFUSED, no co-host of this number committed to this secret.
    """
    beacon = rules.beacon
    if not isinstance(beacon, CohostsBeacon) or not 1 <= party <= len(beacon.cohosts):
        raise Refused(ErrorCode.REVEAL_REFUSED, "there is no such co-host")
    if cohosts.commitment(bytes.fromhex(draw_id), party, secret).hex() != beacon.cohosts[party - 1].commitment:
        raise Refused(ErrorCode.REVEAL_REFUSED, "it is not what was committed to")


def reveal_is_over(current: Draw, now_ms: int) -> bool:
    """No reveal counts any more."""
    return current.rooted_at is not None and now_ms > current.rooted_at + REVEAL_S * 1000


def void_unrevealed(current: Draw, now_ms: int) -> DrawVoided:
    """Raises:
    Refused: DRAW_STATE, all revealed, or there is still time.
    """
    _require(current, DrawState.CLOSED)
    if not reveal_is_over(current, now_ms) or len(current.revealed) == len(current.parties):
        raise Refused(ErrorCode.DRAW_STATE, "nothing is missing")
    return DrawVoided(draw=current.id, why=VoidWhy.MISSING_REVEAL)


def draw(current: Draw, drawing: Drawing, winners: Sequence[DrawWinner], claim_s: int) -> DrawDrawn:
    """The winners, as they follow from seed and entries.

    Raises:
        Refused: DRAW_STATE, it is not closed, or has no root.
    """
    _require(current, DrawState.CLOSED)
    if not current.root:
        raise Refused(ErrorCode.DRAW_STATE, "it has no root")
    return DrawDrawn(
        draw=current.id,
        value=drawing.beacon,
        seed=drawing.seed,
        winners=list(winners),
        claim_until=drawing.drawn_ms + claim_s * 1000,
    )


def cancel(current: Draw, why: str, now_ms: int, frozen_at: int | None) -> DrawCancelled:
    """Call it off.

    Raises:
        Refused: DRAW_STATE, it has closed, or its latest close has come: late is late, though nobody has swept.
    """
    _require(current, DrawState.ANNOUNCED, DrawState.OPEN)
    if is_due(current, now_ms, frozen_at):
        raise Refused(ErrorCode.DRAW_STATE, "its latest close has come")
    return DrawCancelled(draw=current.id, why=why)


def is_due(current: Draw, now_ms: int, frozen_at: int | None) -> bool:
    """It is open past its latest close."""
    return current.state is DrawState.OPEN and due(current.closes_at or 0, now_ms, frozen_at)


def pass_on(current: Draw, winner: DrawWinner, why: PassedWhy) -> DrawPassedOn:
    """Give a prize to the next reserve.

    Raises:
        Refused: DRAW_STATE.
    """
    _require(current, DrawState.DRAWN)
    return DrawPassedOn(draw=current.id, winner=winner, why=why)


def lapse(current: Draw, prize: int, why: PassedWhy) -> DrawPrizeLapsed:
    """A prize is nobody's: no reserve is left.

    Raises:
        Refused: DRAW_STATE.
    """
    _require(current, DrawState.DRAWN)
    return DrawPrizeLapsed(draw=current.id, prize=prize, why=why)


def settle(current: Draw) -> DrawSettled:
    """Raises:
    Refused: DRAW_STATE.
    """
    _require(current, DrawState.DRAWN)
    return DrawSettled(draw=current.id)


def _require(current: Draw, *states: DrawState) -> None:
    if current.state not in states:
        raise Refused(ErrorCode.DRAW_STATE, f"it is {current.state}")
