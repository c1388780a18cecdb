"""The herald: what teams do is held back in a rush, and gauges that could not be read are told later."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from groupbuy import crier, gauges
from groupbuy.engine import Told
from groupbuy.herald import Herald
from livestream.bus import BusMessage
from livestream.protocol.errors import Unavailable
from livestream.storage.roomlog import Appended, Logged


async def test_teams_that_end_together_are_a_few_notices_and_their_log_events_are_not_held_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crier, "_PAUSE_S", 0.02)
    told: list[BusMessage] = []
    herald = Herald(lambda room_id, message: told.append(message), 1)
    for number in range(500):
        appended = Appended([Logged(number, 1, b"{}")])
        message = BusMessage(origin=1, appended=appended, live=[b"%d" % number])
        herald.told("deal", Told("room", message, True))
    assert [each.seq for message in told for each in message.appended.log] == list(range(500))
    await asyncio.sleep(0.1)
    assert [message.live for message in told if message.live] == []
    first, rush = [message.notes for message in told if message.notes]
    assert first == [b"0"]
    assert rush == [*(b"%d" % number for number in range(492, 500)), b'{"t":"teams_left_out","count":491}']


class _Away:
    """A database that is away once, while something else happens."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self._meanwhile: Callable[[], None] | None = meanwhile

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[None]:
        if self._meanwhile is not None:
            meanwhile, self._meanwhile = self._meanwhile, None
            meanwhile()
            raise Unavailable("postgres")
        yield


async def test_gauges_that_could_not_be_read_wait_for_the_next_turn_with_those_that_came_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def read(connection: object, deal_ids: Sequence[str]) -> dict[str, gauges.Gauges]:
        return {each: gauges.Gauges(each, 7, 2) for each in deal_ids}

    monkeypatch.setattr(gauges, "read", read)
    told: list[tuple[str, dict[str, int]]] = []
    herald = Herald(lambda room_id, message: told.append((room_id, message.gauges)), 1)
    news = Told("room", BusMessage(origin=1), True)
    away: Any = _Away(lambda: herald.told("b", news))
    herald.told("a", news)
    with pytest.raises(Unavailable):
        await herald.tell_gauges(away)
    told.clear()
    assert list(await herald.tell_gauges(away)) == ["a", "b"]
    assert told == [("room", {f"deal_{each}_left": 7, f"deal_{each}_seats": 2}) for each in "ab"]
    assert await herald.tell_gauges(away) == []
