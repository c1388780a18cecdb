"""Lane: the promise under which a message reaches a viewer. Sent in this order within a frame."""

from __future__ import annotations

import enum


class Lane(enum.StrEnum):
    DIRECT = "direct"  #: to one connection: the reply to a command, a notice
    LOG = "log"  #: every event, in order, exactly once in effect; gap-free `seq`, resumable
    STAFF = "staff"  #: the same promise for the room's second log, which only staff receive
    LIVE = "live"  #: best effort, sampled in a flood; the number left out is told
    GAUGE = "gauge"  #: the latest value of a key wins
