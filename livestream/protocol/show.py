"""ShowState: the life of a show as everyone names it. `room/show.py` holds the machine."""

from __future__ import annotations

import enum


class ShowState(enum.StrEnum):
    SCHEDULED = "scheduled"  #: announced; the room is quiet
    WARM_UP = "warm_up"  #: viewers gather and talk; the stream has not begun
    LIVE = "live"  #: on air
    PAUSED = "paused"  #: on air again soon
    ENDED = "ended"  #: over for good
