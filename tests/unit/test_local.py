"""What one process knows of a room."""

from __future__ import annotations

from livestream.moderation.wordlist import Wordlist
from livestream.protocol.events import Show, ShowChanged
from livestream.protocol.show import ShowState
from livestream.protocol.state import RoomState, StaffState
from livestream.room.local import LocalRoom
from livestream.room.store import RoomLoad

NOW = 1_790_000_000_000


def a_room() -> LocalRoom:
    first = Show(id="0000000000001", title="Shoes", state=ShowState.LIVE, starts_at=NOW)
    state = RoomState(room="room", title="Room", show=first)
    return LocalRoom(RoomLoad("shop", "shop", state, StaffState(), frozenset(), [], 0, 0, 0), Wordlist([]))


def test_a_first_comment_is_first_in_each_show_and_slow_mode_knows_no_shows() -> None:
    room = a_room()
    assert not room.spoke_before("p-ann")
    room.spoke("p-ann", NOW)
    assert room.spoke_before("p-ann")
    room.evolve(ShowChanged(show=Show(id="0000000000002", title="Hats", state=ShowState.LIVE, starts_at=NOW)))
    assert not room.spoke_before("p-ann")
    assert room.ms_since_spoken("p-ann", NOW + 500) == 500
