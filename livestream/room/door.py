"""Door: asks Redis how many comments of a batch may be shown, and who talks too much, over all processes.

While Redis is away each process keeps a budget of its own, so a room with k
processes may show up to k times as much, each on its own viewers' screens.
"""

from __future__ import annotations

import importlib.resources
import time
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass

import redis.asyncio

from livestream.bus import LOST
from livestream.protocol.limits import Rate
from livestream.ratelimit import TokenBucket

_WINDOW_S = 30


@dataclass(frozen=True, slots=True)
class Admission:
    """The door's answer for one room's part of a batch."""

    budget: int  #: comments that may be shown
    refused: frozenset[int]  #: positions of comments that are over their author's rate


class Door:
    """One process's view of all rooms' doors.

    Args:
        rate: of one viewer in one room, over all processes.
    """

    def __init__(self, client: redis.asyncio.Redis, rate: Rate) -> None:
        self._script = client.register_script(
            importlib.resources.files(__package__).joinpath("door.lua").read_text("utf-8")
        )
        self._per_window = int(rate.burst + rate.per_s * _WINDOW_S)
        self._own: dict[str, TokenBucket] = {}

    async def admit(
        self, room_id: str, display_per_s: float, authors: Sequence[str], staff: Set[str] = frozenset()
    ) -> Admission:
        """Judge one room's comments, in order of arrival. Cost: one round trip.

        Args:
            authors: who wrote each comment.
            staff: those among them who are shown anyhow and use no budget.
        """
        counts = Counter(authors)
        window = int(time.time()) // _WINDOW_S
        tag = f"{{{room_id}}}"
        keys = [f"{tag}:display", *(f"{tag}:comments:{author}:{window}" for author in counts)]
        wants = [number for author, count in counts.items() for number in (count, int(author not in staff))]
        try:
            answer = await self._script(keys, [display_per_s, self._per_window, _WINDOW_S, *wants])
        except LOST:
            wanted = sum(author not in staff for author in authors)
            return Admission(self._own_budget(room_id, display_per_s, wanted), frozenset())
        return Admission(answer[0], _last_of_each(authors, dict(zip(counts, answer[1:], strict=True))))

    def _own_budget(self, room_id: str, display_per_s: float, wanted: int) -> int:
        rate = Rate(max(1, int(display_per_s)), display_per_s)
        now = time.monotonic()
        bucket = self._own.setdefault(room_id, TokenBucket(rate, now))
        return bucket.take(rate, now, wanted)


def _last_of_each(authors: Sequence[str], over: dict[str, int]) -> frozenset[int]:
    """Positions of the last `over[author]` comments of each author."""
    left = {author: count for author, count in over.items() if count}
    positions = set()
    for index in range(len(authors) - 1, -1, -1) if left else ():
        if left.get(authors[index], 0) > 0:
            left[authors[index]] -= 1
            positions.add(index)
    return frozenset(positions)
