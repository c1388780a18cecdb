"""RoomState: what each event of the room log means."""

from __future__ import annotations

import pytest

from livestream.protocol import limits
from livestream.protocol.events import HostMessage, LogEvent, Pinned, Said, Show, ShowChanged
from livestream.protocol.show import ShowState
from livestream.protocol.state import RoomState


def message(number: int) -> HostMessage:
    return HostMessage(id=f"{number:013d}", name="Ada", text=f"message {number}", at=number)


def test_each_event_changes_its_own_part() -> None:
    state = RoomState("room", "Room")
    show = Show(id="0000000000001", title="Shoes", state=ShowState.LIVE, starts_at=5)
    events: list[LogEvent] = [ShowChanged(show=show), Said(message=message(1)), Pinned(message=message(1))]
    for seq, event in enumerate(events, 1):
        state.evolve(seq, event)
    assert (state.seq, state.show, state.pinned) == (3, show, message(1))
    assert list(state.messages) == [message(1)]
    state.evolve(4, Pinned(message=None))
    assert state.pinned is None
    assert list(state.messages) == [message(1)]


def test_the_newest_messages_are_kept_in_order() -> None:
    state = RoomState("room", "Room")
    count = limits.SNAPSHOT_MESSAGES + 7
    for seq in range(1, count + 1):
        state.evolve(seq, Said(message=message(seq)))
    assert [kept.at for kept in state.messages] == list(range(8, count + 1))


@pytest.mark.parametrize("seq", [0, 1, 2, 4, 100])
def test_an_event_out_of_turn_is_a_bug_and_changes_nothing(seq: int) -> None:
    state = RoomState("room", "Room", seq=2)
    with pytest.raises(AssertionError, match=f"event {seq} after 2"):
        state.evolve(seq, Said(message=message(1)))
    assert state.seq == 2
    assert not state.messages
