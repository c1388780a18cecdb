"""Door: asks Redis how many comments of a batch may be shown, and who talks too much, over all processes.

While Redis is away each process keeps a budget of its own, so a room with k
processes may show up to k times as much, each on its own viewers' screens.
"""

from __future__ import annotations

import importlib.resources
import time
from collections.abc import Sequence
from dataclasses import dataclass

import redis.asyncio

from livestream.bus import LOST
from livestream.protocol.limits import Rate

from .sampling import COMPETING, Standing, grant, most_saved, reserve

_WINDOW_S = 30
_AWAY_S = 1.0  #: after Redis failed it is left alone for so long: comments must not each wait for it


@dataclass(frozen=True, slots=True)
class Asked:
    """A comment, as the door sees it."""

    author: str  #: pseudonym
    standing: Standing
    quiet: bool = False  #: not to be shown at once, so it needs no budget


@dataclass(frozen=True, slots=True)
class Admission:
    """The door's answer for one room's part of a batch."""

    granted: list[int]  #: how many of each of `sampling.COMPETING` may be shown
    refused: dict[int, int]  #: positions of comments over a limit of their author, with ms to wait


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
        self._away_until = 0.0
        self._own: dict[str, tuple[float, float]] = {}  # tokens and when, while Redis is away

    async def admit(self, room_id: str, per_s: float, slow_mode_s: int, asked: Sequence[Asked]) -> Admission:
        """Judge one room's comments, in order of arrival. Cost: one round trip.

        Args:
            per_s: comments the room shows a second.
        """
        if time.monotonic() < self._away_until:
            return Admission(self._own_grant(room_id, per_s, asked), {})
        authors: dict[str, list[int]] = {}  # counts by standing, of the quiet, and whether staff
        for each in asked:
            counts = authors.setdefault(each.author, [0, 0, 0, 0, 0, 0])
            if each.standing is Standing.STAFF:
                counts[5] = 1
            else:
                counts[4 if each.quiet else COMPETING.index(each.standing)] += 1
        window = int(time.time()) // _WINDOW_S
        tag = f"{{{room_id}}}"
        keys = [
            f"{tag}:display",
            *(f"{tag}:comments:{author}:{window}" for author in authors),
            *(f"{tag}:slow:{author}" for author in authors),
        ]
        limits = [per_s, reserve(per_s), most_saved(per_s), self._per_window, _WINDOW_S, slow_mode_s * 1000]
        try:
            answer = await self._script(keys, [*limits, *(count for counts in authors.values() for count in counts)])
        except LOST:
            self._away_until = time.monotonic() + _AWAY_S
            return Admission(self._own_grant(room_id, per_s, asked), {})
        over = {author: (answer[4 + 2 * i], answer[5 + 2 * i]) for i, author in enumerate(authors)}
        return Admission(answer[:4], _last_of_each(asked, over))

    def _own_grant(self, room_id: str, per_s: float, asked: Sequence[Asked]) -> list[int]:
        now = time.monotonic()
        most = most_saved(per_s)
        tokens, at = self._own.get(room_id, (most, now))
        tokens = min(most, tokens + (now - at) * per_s)
        wants = [sum(each.standing is standing and not each.quiet for each in asked) for standing in COMPETING]
        granted = grant(tokens, per_s, wants)
        self._own[room_id] = (tokens - sum(granted), now)
        return granted

    def forget(self, room_id: str) -> None:
        """Drop what is kept for a room that nobody is in."""
        self._own.pop(room_id, None)


def _last_of_each(asked: Sequence[Asked], over: dict[str, tuple[int, int]]) -> dict[int, int]:
    """Positions of the last comments of each author that is over, with the time to wait."""
    left = {author: count for author, (count, _) in over.items() if count}
    positions: dict[int, int] = {}
    for index in range(len(asked) - 1, -1, -1) if left else ():
        author = asked[index].author
        if left.get(author, 0) > 0:
            left[author] -= 1
            positions[index] = over[author][1]
    return positions
