"""The crier: a rush of teams is a few notices to the room."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groupbuy import crier
from groupbuy.crier import Crier
from livestream.bus import BusMessage


async def told(monkeypatch: pytest.MonkeyPatch, *batches: list[bytes], pause_s: float = 0.02) -> list[list[bytes]]:
    """What rooms hear of batches that come one after another without a pause."""
    monkeypatch.setattr(crier, "_PAUSE_S", pause_s)
    heard: list[list[bytes]] = []

    def publish(room_id: str, message: BusMessage) -> None:
        heard.append(message.notes)

    teller = Crier(publish, 1)
    for batch in batches:
        teller.tell("room", batch)
    await asyncio.sleep(pause_s * 5)
    return heard


async def test_the_first_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[list[bytes]] = []
    Crier(lambda room_id, message: heard.append(message.notes), 1).tell("room", [b"1"])
    assert heard == [[b"1"]]


async def test_of_a_rush_the_newest_few_are_told_in_one_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [b"%d" % number for number in range(1000)]
    first, rush = await told(monkeypatch, events[:1], *([each] for each in events[1:]))
    assert first == events[:1]
    assert rush == [*events[-8:], b'{"t":"teams_left_out","count":991}']


@given(st.lists(st.integers(0, 40), max_size=30))
async def test_told_and_left_out_are_all_there_were(sizes: list[int]) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        frames = await told(monkeypatch, *([b"1"] * size for size in sizes), pause_s=0.001)
    live = [msgspec.json.decode(each) for frame in frames for each in frame]
    left_out = sum(each["count"] for each in live if each != 1)
    assert live.count(1) + left_out == sum(sizes)
    assert all(len(frame) <= 9 for frame in frames)


async def test_what_comes_after_a_pause_is_told_at_once_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crier, "_PAUSE_S", 0.01)
    heard: list[list[bytes]] = []
    teller = Crier(lambda room_id, message: heard.append(message.notes), 1)
    teller.tell("room", [b"1"])
    await asyncio.sleep(0.05)
    teller.tell("room", [b"2"])
    assert heard == [[b"1"], [b"2"]]


async def test_rooms_do_not_wait_for_one_another() -> None:
    heard: list[str] = []
    teller = Crier(lambda room_id, message: heard.append(room_id), 1)
    teller.tell("tea", [b"1"])
    teller.tell("wine", [b"1"])
    assert heard == ["tea", "wine"]


async def test_a_batch_without_news_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await told(monkeypatch, [], []) == []
