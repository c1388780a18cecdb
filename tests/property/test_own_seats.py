"""Own seats: whatever comes late, each is as it was told last, with clocks of now. And no deal that runs is lost."""

from __future__ import annotations

from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from livestream.client_state import RoomView, apply
from livestream.protocol import groupbuy as g
from livestream.protocol import limits
from livestream.protocol.events import Break, Unfrozen
from livestream.protocol.own_seats import with_seats
from livestream.protocol.pushes import AnyPush, Log, Notice, OwnSeats, Snapshot, YourSeat
from tests.support import late_news

A, B = "000000000000a", "000000000000b"


@given(st.randoms(use_true_random=False))
def test_late_news_overwrite_nothing_and_clocks_are_of_now(chance: Random) -> None:
    told, view = late_news.told(chance), RoomView()
    for push in told.pushes:
        view = apply(view, push)
    assert [(own.seat, own.amount, own.team.deadline, own.hold_until) for own in view.seats] == told.seats
    assert (view.deals, view.breaks) == (told.room.deals, told.room.breaks)


@given(st.lists(st.integers(0, 10), max_size=40))
def test_all_deals_that_run_are_kept_and_of_those_that_ended_the_newest(acts: list[int]) -> None:
    """An act closes the deal of that place among those that run; if there is none, a deal is opened."""
    deals: tuple[g.Deal, ...] = ()
    state = dict[str, g.DealState]()
    for act in acts:
        running = [each for each, now in state.items() if now is g.DealState.OPEN]
        if act < len(running):
            deals = g.evolve_deals(deals, g.DealClosed(id=running[act]))
            state[running[act]] = g.DealState.CLOSED
        elif len(running) < limits.SNAPSHOT_DEALS:
            deals = g.evolve_deals(deals, g.DealOpened(deal=_deal(f"{len(state):013d}")))
            state[deals[-1].id] = g.DealState.OPEN
    running = [each for each, now in state.items() if now is g.DealState.OPEN]
    assert [each.id for each in deals if each.state is g.DealState.OPEN] == running
    assert len(deals) <= limits.SNAPSHOT_DEALS
    assert [each.id for each in deals] == sorted(each.id for each in deals)


def _deal(deal_id: str) -> g.Deal:
    terms = g.DealTerms(single_price=2, steps=[g.DealStep(people=2, price=1)], life_s=60)
    return g.Deal(
        id=deal_id, product="cup", title="t", state=g.DealState.OPEN, currency="PLN", stock=9, terms=terms
    )  # fmt: skip


# -- single cases


def _own(seat: str, at: int, deadline: int = 1000) -> g.OwnSeat:
    team = g.TeamView(id=A, deal=A, state=g.TeamState.FORMING, size=3, deadline=deadline)
    return g.OwnSeat(seat=seat, at=at, team=team, state=g.SeatState.HELD, amount=1)


def _after(*pushes: AnyPush) -> list[tuple[str, int, int]]:
    view = RoomView()
    for push in pushes:
        view = apply(view, push)
    return [(own.seat, own.at, own.team.deadline) for own in view.seats]


def _notice(own: g.OwnSeat) -> Notice:
    return Notice(notice=own.at, at=0, event=g.YourTeam(own=own))


OVER = Log(seq=1, at=0, event=Unfrozen(at=50, shifted_ms=7))


def test_an_old_notice_does_not_overwrite_what_was_read() -> None:
    assert _after(OwnSeats(seats=[_own(A, 60, 1007)]), _notice(_own(A, 40))) == [(A, 60, 1007)]


def test_a_seat_told_after_the_break_is_not_moved_by_it() -> None:
    assert _after(_notice(_own(A, 50, 1007)), OVER) == [(A, 50, 1007)]
    assert _after(_notice(_own(A, 49)), OVER) == [(A, 49, 1007)]


def test_a_seat_told_late_of_before_the_break_is_moved_when_it_comes() -> None:
    assert _after(OVER, _notice(_own(A, 49))) == [(A, 49, 1007)]
    assert _after(OVER, YourSeat(own=_own(A, 49))) == [(A, 49, 1007)]


def test_in_a_break_a_repeated_answer_does_not_overwrite_what_followed() -> None:
    paid = msgspec.structs.replace(_own(A, 49), state=g.SeatState.PAID)
    view = apply(apply(RoomView(), _notice(paid)), YourSeat(own=_own(A, 49)))
    assert view.seats == (paid,)


def test_a_break_that_a_snapshot_jumped_over_moves_seats_once() -> None:
    reset = Snapshot(epoch="e", seq=2, room="demo", title="t", breaks=[Break(at=50, shifted_ms=7)])
    assert _after(_notice(_own(A, 49)), reset, reset) == [(A, 49, 1007)]
    assert _after(_notice(_own(A, 49)), OVER, reset) == [(A, 49, 1007)]


def test_a_seat_taken_while_the_others_were_read_stays_and_one_that_is_not_listed_any_more_goes() -> None:
    read = (_own(A, 60),)
    assert [own.seat for own in with_seats((_own(A, 10), _own(B, 60)), read)] == [A, B]
    assert [own.seat for own in with_seats((_own(B, 59),), read)] == [A]
    assert with_seats(read, ()) == ()
