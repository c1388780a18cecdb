"""The show: every transition, legal and illegal."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import Show
from livestream.protocol.show import ShowState as S
from livestream.room import show

LEGAL = {
    (S.SCHEDULED, S.WARM_UP),
    (S.SCHEDULED, S.LIVE),
    (S.SCHEDULED, S.ENDED),
    (S.WARM_UP, S.LIVE),
    (S.WARM_UP, S.ENDED),
    (S.LIVE, S.PAUSED),
    (S.LIVE, S.ENDED),
    (S.PAUSED, S.LIVE),
    (S.PAUSED, S.ENDED),
}
NOW = 1_790_000_000_000


def a_show(state: S, live_at: int | None = None) -> Show:
    return Show(id="0000000000001", title="Shoes", state=state, starts_at=NOW - 60_000, live_at=live_at)


@pytest.mark.parametrize(("before", "to"), list(itertools.product(S, S)))
def test_a_show_moves_along_the_table_and_no_other_way(before: S, to: S) -> None:
    current = a_show(before)
    if (before, to) in LEGAL:
        changed = show.move(current, to, NOW).show
        assert changed.state is to
        assert (changed.id, changed.title, changed.starts_at) == (current.id, current.title, current.starts_at)
    else:
        with pytest.raises(Refused) as refused:
            show.move(current, to, NOW)
        assert refused.value.code is ErrorCode.ILLEGAL_TRANSITION
    assert current == a_show(before)


def test_every_state_has_its_row_and_an_ended_show_stays_ended() -> None:
    assert set(show.TRANSITIONS) == set(S)
    assert not show.TRANSITIONS[S.ENDED]


def test_the_first_moment_on_air_is_kept_through_pauses() -> None:
    on_air = show.move(a_show(S.WARM_UP), S.LIVE, NOW).show
    assert on_air.live_at == NOW
    paused = show.move(on_air, S.PAUSED, NOW + 1000).show
    again = show.move(paused, S.LIVE, NOW + 2000).show
    assert again.live_at == paused.live_at == NOW
    assert again.ended_at is None


def test_a_show_began_when_it_left_the_schedule_whatever_time_was_announced() -> None:
    scheduled = show.schedule(None, "0000000000002", "Hats", 1, "UTC").show
    assert scheduled.began_at is None
    warm = show.move(scheduled, S.WARM_UP, NOW).show
    assert (warm.began_at, show.move(warm, S.LIVE, NOW + 1000).show.began_at) == (NOW, NOW)
    assert show.move(scheduled, S.LIVE, NOW).show.began_at == NOW
    assert show.move(scheduled, S.ENDED, NOW).show.began_at is None


@pytest.mark.parametrize("before", [S.SCHEDULED, S.WARM_UP, S.LIVE, S.PAUSED])
def test_the_end_is_dated_and_a_show_that_never_went_live_has_no_such_moment(before: S) -> None:
    ended = show.move(a_show(before), S.ENDED, NOW).show
    assert ended.ended_at == NOW
    assert ended.live_at is None


def test_without_a_show_there_is_nothing_to_move() -> None:
    with pytest.raises(Refused) as refused:
        show.move(None, S.LIVE, NOW)
    assert refused.value.code is ErrorCode.NO_SHOW


@pytest.mark.parametrize("state", [None, *S])
def test_the_next_show_is_scheduled_only_after_the_present_one_ended(state: S | None) -> None:
    current = None if state is None else a_show(state)
    if state in (None, S.ENDED):
        announced = show.schedule(current, "0000000000002", "Hats", NOW, "UTC").show
        assert announced == Show(id="0000000000002", title="Hats", state=S.SCHEDULED, starts_at=NOW)
    else:
        with pytest.raises(Refused) as refused:
            show.schedule(current, "0000000000002", "Hats", NOW, "UTC")
        assert refused.value.code is ErrorCode.SHOW_OPEN


@pytest.mark.parametrize("state", [None, *S])
def test_viewers_talk_while_a_show_warms_up_runs_or_pauses(state: S | None) -> None:
    current = None if state is None else a_show(state)
    if state in (S.WARM_UP, S.LIVE, S.PAUSED):
        assert show.require_talking(current) is current
    else:
        with pytest.raises(Refused) as refused:
            show.require_talking(current)
        assert refused.value.code is ErrorCode.COMMENTS_CLOSED


def test_a_refusal_names_both_states() -> None:
    with pytest.raises(Refused) as refused:
        show.move(a_show(S.ENDED), S.LIVE, NOW)
    assert refused.value.detail == "from ended to live"


def test_a_decision_is_a_whole_show_as_the_log_holds_it() -> None:
    event = show.move(a_show(S.LIVE, live_at=NOW - 5), S.PAUSED, NOW)
    assert msgspec.json.decode(msgspec.json.encode(event)) == {
        "t": "show_changed",
        "show": {
            "id": "0000000000001",
            "title": "Shoes",
            "state": "paused",
            "starts_at": NOW - 60_000,
            "live_at": NOW - 5,
        },
    }
