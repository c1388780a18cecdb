"""The herald: what the worker did is told as a gateway tells it, and in a rush held back as there."""

from __future__ import annotations

import asyncio

import pytest

from groupbuy import crier
from groupbuy.engine import Told
from groupbuy.herald import Herald
from livestream.bus import BusMessage
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
