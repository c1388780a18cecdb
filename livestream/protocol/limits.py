"""Limits: sizes, counts and rates of the wire, each with its unit and the reason for the number.

Rates are the defaults of `Settings`, which may override them for one deployment.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

VIEWER_FRAME_BYTES = 4 * 1024  #: in; a join with a 2 KiB token fits, a pasted novel does not
STAFF_FRAME_BYTES = 64 * 1024  #: in; raised after a staff join
FRAGMENTS = 64  #: a message may come in so many; a million one-byte fragments are an attack
MESSAGES_PER_FRAME = 64  #: commands in one frame
COMMENT_CHARS = 500  #: cap; a room may set less (default 200) [Amazon IVS: 500]
HOST_MESSAGE_CHARS = 2000
NAME_CHARS = 40
TITLE_CHARS = 200
KEY_CHARS = 64  #: idempotency key
TOKEN_CHARS = 3000
LIKES_PER_COMMAND = 50  #: an app gathers taps and sends their number
WHY_CHARS = 200
URL_CHARS = 1000
VIEWER_ID_CHARS = 200
SANCTION_LEAST_S = 10
SANCTION_MOST_S = 10 * 365 * 24 * 3600  #: longer is for ever
SLOW_MODE_MOST_S = 120
COUNTDOWN_LEAST_S = 5
COUNTDOWN_MOST_S = 24 * 3600
VIDEO_DELAY_MOST_S = 60  #: HLS at its slowest
COMMENTS_PER_DELETE = 100
BLOCKED = 500  #: people one viewer may block
SNAPSHOT_TOMBSTONES = 200  #: newest deleted comments that a snapshot names
SNAPSHOT_HELD = 200  #: newest comments that wait for staff
SNAPSHOT_REPORTS = 100  #: newest reports that wait for staff
SNAPSHOT_SANCTIONS = 500  #: newest mutes and bans in force that staff are shown; all are enforced
DRAW_LEAST_S = 30
DRAW_MOST_S = 300
DRAW_BY_HAND_S = 4 * 3600  #: one that is closed by hand closes by itself after so long
DRAW_TIERS = 10
DRAW_PRIZES = 200  #: of all tiers together: the winners travel in one event
DRAW_WEIGHT_EXTRA = 100
DRAW_TERMS_CHARS = 2000
DRAW_CLAIM_S = 7 * 24 * 3600  #: to claim a prize
DRAW_QUEUE = 10  #: announced draws a room
DRAW_PARTIES = 8  #: co-hosts, the server among them
DRAW_TEMPLATES = 50  #: a shop
SNAPSHOT_MESSAGES = 50  #: newest host messages a snapshot carries
SNAPSHOT_COMMENTS = 50  #: newest shown comments a snapshot carries
SNAPSHOT_NOTICES = 20  #: newest unseen notices of the viewer who joins


SNAPSHOT_DEALS = 10  #: group buys a snapshot carries: all that run, then the newest of those that ended
SNAPSHOT_BREAKS = 10  #: newest breaks that are over; who comes in must know the last, late news of seats a few more
TEAM_LEAST, TEAM_MOST = 2, 10  #: members of a team
TEAM_LIFE_LEAST_S, TEAM_LIFE_MOST_S = 60, 24 * 3600
HOLD_LEAST_S, HOLD_MOST_S = 30, 600
HOLD_S = 90  #: a seat is held so long before its payment begins
PAYING_S = 600  #: and so long from then on; never past the team's deadline
SETTLING_S = 30  #: after the deadline, while payments are under way
REPAY_S = 24 * 3600  #: to pay an order again whose money could not be taken
DEAL_LEAST_S, DEAL_MOST_S = 60, 30 * 24 * 3600
TEAM_SHARE_PERCENT = 80  #: of the stock, that open teams may hold
PRICE_MOST = 10**12
UNITS_MOST = 10**9


class Rate(NamedTuple):
    burst: int  #: so many at once
    per_s: float  #: refilled so many a second


class RateClass(enum.StrEnum):
    """Commands of one class share one token bucket a viewer and room."""

    JOIN = "join"
    COMMENT = "comment"
    LIKE = "like"
    STAFF = "staff"
    SEAT = "seat"
    READ = "read"  #: over HTTP
    OTHER = "other"


RATES: dict[RateClass, Rate] = {
    RateClass.JOIN: Rate(5, 0.5),  # a join that fails may be tried again, not hammered
    RateClass.COMMENT: Rate(20, 20 / 30),  # Twitch: 20 messages in 30 s
    RateClass.LIKE: Rate(20, 5),
    RateClass.STAFF: Rate(50, 20),
    RateClass.SEAT: Rate(10, 1),  # a rush is one tap a viewer, and some more for doubt
    RateClass.READ: Rate(60, 10),
    RateClass.OTHER: Rate(20, 5),
}
