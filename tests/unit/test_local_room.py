"""What a process knows of a room: names are screened once, and again when what they are screened by changes."""

from __future__ import annotations

import pytest

from livestream.moderation import names
from livestream.moderation.normal import normal
from livestream.moderation.wordlist import Entry, Wordlist
from livestream.protocol.state import RoomState, StaffState
from livestream.room import local
from livestream.room.local import LocalRoom
from livestream.room.store import RoomLoad


@pytest.fixture
def room() -> LocalRoom:
    load = RoomLoad("shop", "shop", RoomState(room="demo"), StaffState(), frozenset(), [], 0, 0, 0)
    return LocalRoom(load, Wordlist([]))


def test_who_comes_back_is_not_screened_again_whoever_of_the_staff_came_meanwhile(
    room: LocalRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    screened: list[str] = []

    def counted(name: str, words: Wordlist) -> names.Screened:
        screened.append(name)
        return names.screen_name(name, words)

    monkeypatch.setattr(local, "screen_name", counted)
    for staff in ("Ada", "Bo", "Cy"):
        room.staff_names |= {staff}
        assert room.screened(" Ann ") == ("Ann", None)
    assert screened == [" Ann "]


def test_other_words_and_other_staff_count_at_once(room: LocalRoom) -> None:
    assert room.screened("Scammer")[1] is None
    assert room.screened("Ada Lovelace")[1] is None
    room.words = Wordlist([Entry("scammer", "refuse")])
    assert room.screened("Scammer")[1] is not None
    room.staff_names = frozenset({"Ada Lovelace"})
    assert room.screened("Ada Lovelace")[1] is not None
    room.staff_names = frozenset()
    assert room.screened("Ada Lovelace")[1] is None


def test_what_is_remembered_has_a_bound(room: LocalRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_NAMES", 10)
    for number in range(25):
        room.screened(f"viewer {number}")
    assert len(room._screened) <= 10


def test_a_name_is_brought_to_its_plain_form_once(monkeypatch: pytest.MonkeyPatch) -> None:
    names.screen_name("Somebody", Wordlist([]))  # what is made once for all names
    calls: list[str] = []

    def counted(text: str) -> str:
        calls.append(text)
        return normal(text)

    monkeypatch.setattr(names, "normal", counted)
    assert names.screen_name("Viewer 77", Wordlist([])).reason is None
    assert calls == ["Viewer 77"]
