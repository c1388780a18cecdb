"""RoomState and StaffState: what each event of the two logs means. Redaction: what it leaves of events."""

from __future__ import annotations

import msgspec
import pytest

from livestream.protocol import draws as d
from livestream.protocol import events as e
from livestream.protocol import groupbuy as g
from livestream.protocol import limits
from livestream.protocol.events import HostMessage, LogEvent, Pinned, Said, Show, ShowChanged
from livestream.protocol.examples import MESSAGES
from livestream.protocol.pushes import Log, Staff
from livestream.protocol.show import ShowState
from livestream.protocol.state import RoomState, StaffState, evolve, evolve_staff
from livestream.room.redaction import redact


def message(number: int, **fields: str) -> HostMessage:
    return HostMessage(id=f"{number:013d}", name="Ada", text=f"message {number}", at=number, **fields)


def after(*events: LogEvent) -> RoomState:
    state = RoomState(room="room", title="Room")
    for event in events:
        state = evolve(state, event)
    return state


def test_each_event_changes_its_own_part() -> None:
    show = Show(id="0000000000001", title="Shoes", state=ShowState.LIVE, starts_at=5)
    state = after(ShowChanged(show=show), Said(message=message(1)), Pinned(message=message(1)))
    assert (state.show, state.pinned, state.messages) == (show, message(1), (message(1),))
    state = evolve(state, Pinned(message=None))
    assert (state.pinned, state.messages) == (None, (message(1),))


def test_the_newest_messages_are_kept_in_order() -> None:
    count = limits.SNAPSHOT_MESSAGES + 7
    state = after(*(Said(message=message(number)) for number in range(1, count + 1)))
    assert [kept.at for kept in state.messages] == list(range(8, count + 1))


def test_a_retracted_message_keeps_its_place_and_comes_back_to_it() -> None:
    said = [Said(message=message(number)) for number in range(3)]
    state = after(*said, Pinned(message=message(1)), e.Retracted(message=message(1).id))
    assert [(kept.text, kept.retracted) for kept in state.messages][1] == ("", True)
    assert state.pinned is None
    assert evolve(state, e.Unretracted(message=message(1))).messages == after(*said).messages


def test_the_tombstones_of_the_newest_comments_are_kept() -> None:
    ids = [f"{number:013d}" for number in range(limits.SNAPSHOT_TOMBSTONES + 5)]
    state = after(e.Deleted(comments=ids[::-1]))
    assert state.deleted == tuple(ids[5:])
    back = e.Commented(id=ids[-1], by="b", name="n", text="t")
    assert evolve(state, e.Restored(comments=[back])).deleted == tuple(ids[5:-1])


def test_only_the_countdown_that_ended_is_taken_away() -> None:
    clock = e.Clock(id="0000000000001", title="Sale", ends_at=9)
    state = after(e.CountdownStarted(clock=clock), e.CountdownEnded(id="0000000000002"))
    assert state.countdown == clock
    assert evolve(state, e.CountdownEnded(id=clock.id)).countdown is None


def test_of_one_person_the_latest_mute_and_the_latest_ban_are_kept() -> None:
    state = StaffState()
    for at, kind in ((1, e.SanctionKind.MUTE), (2, e.SanctionKind.BAN), (3, e.SanctionKind.MUTE)):
        state = evolve_staff(state, e.Sanctioned(sanction=e.Sanction(who="p", name="P", kind=kind, at=at)))
    assert [(each.at, each.kind) for each in state.sanctions] == [(2, "ban"), (3, "mute")]
    assert evolve_staff(state, e.Lifted(who="p", kind=e.SanctionKind.BAN)).sanctions == state.sanctions[1:]


DRAW = d.Draw(
    id="01" * 16, title="t", state=d.DrawState.OPEN, prizes=[], entry=d.EntryKind.CLICK, beacon=d.BeaconKind.DRAND,
    closes_at=10, winners=[d.DrawWinner(prize=0, place=0, entry="a5" * 16, name="A")],
)  # fmt: skip


def test_a_break_moves_the_close_of_the_open_draw_alone() -> None:
    waiting = msgspec.structs.replace(DRAW, id="02" * 16, state=d.DrawState.ANNOUNCED, closes_at=None)
    state = evolve(RoomState(draws=(DRAW, waiting)), e.Unfrozen(at=8, shifted_ms=7))
    assert [each.closes_at for each in state.draws] == [17, None]
    closed = evolve(state, d.DrawClosed(draw=DRAW.id, closed_at=12, round=3))
    assert evolve(closed, e.Unfrozen(at=8, shifted_ms=7)).draws == closed.draws


def test_an_opened_draw_takes_the_place_of_the_one_before_and_a_queued_one_that_is_cancelled_is_gone() -> None:
    first = msgspec.structs.replace(DRAW, id="02" * 16, state=d.DrawState.ANNOUNCED)
    second = msgspec.structs.replace(first, id="03" * 16)
    state = after(d.DrawOpened(draw=DRAW), d.DrawAnnounced(draw=first), d.DrawAnnounced(draw=second))
    assert [each.id for each in state.draws] == [DRAW.id, first.id, second.id]
    state = evolve(state, d.DrawCancelled(draw=first.id, why="no"))
    assert [each.id for each in state.draws] == [DRAW.id, second.id]
    opened = msgspec.structs.replace(second, state=d.DrawState.OPEN)
    assert evolve(state, d.DrawOpened(draw=opened)).draws == (opened,)


def _deal(number: int) -> g.Deal:
    terms = g.DealTerms(single_price=2, steps=[], life_s=60)
    return g.Deal(
        id=f"{number:013d}", product="x", title="t", state=g.DealState.OPEN, currency="PLN", stock=1, terms=terms
    )  # fmt: skip


def test_a_deal_that_runs_is_not_pushed_out_by_eleven_that_ended() -> None:
    state = after(g.DealOpened(deal=_deal(0)))
    for number in range(1, 12):
        state = evolve(evolve(state, g.DealOpened(deal=_deal(number))), g.DealClosed(id=_deal(number).id))
    assert [each.id for each in state.deals] == [_deal(number).id for number in (0, *range(3, 12))]
    assert evolve(state, g.DealClosed(id=_deal(0).id)).deals[0].state is g.DealState.CLOSED


@pytest.mark.parametrize("kind", e.EVENTS, ids=lambda kind: kind.__name__)
def test_every_event_of_the_logs_means_something_or_is_only_told(kind: type[e.Event]) -> None:
    """A new event that nobody taught the state would pass unseen: it must be named here or change something."""
    told_only = {e.Acted, e.Erased, e.Commented, e.Echoed, e.Arrived, g.TeamWaived}
    events = [each.event for each in MESSAGES if isinstance(each, Log | Staff) and type(each.event) is kind]
    if not events or kind in told_only:
        return
    crowded = RoomState(
        show=None, freezing=e.Freezing(at=0), countdown=e.Clock(id="6h0h6cwr00000", title="t", ends_at=0),
        messages=(HostMessage(id="6h0h6cwr00000", name="n", text="t", at=0),), deleted=("6h0h6jxng0600",),
        pinned=HostMessage(id="6h0h6cwr00000", name="n", text="t", at=0), featured=e.Product(id="x", title="t",
        price=0, currency="PLN"),
        deals=(g.Deal(id="6h0h6cwr00000", product="x", title="t", state=g.DealState.OPEN, currency="PLN", stock=1,
        terms=g.DealTerms(single_price=2, steps=[], life_s=60)),), draws=(DRAW,),
    )  # fmt: skip
    held = e.HeldComment(id="6h0h6jxng0600", by="b", name="n", text="t", at=0)
    busy = StaffState(
        held=(held,),
        sanctions=(e.Sanction(who="3vavcdxybr7f3", name="n", kind=e.SanctionKind.MUTE, at=0),),
    )
    for event in events:
        if isinstance(event, LogEvent):  # type: ignore[arg-type, misc]
            if not isinstance(event, e.Deleted):
                assert evolve(crowded, event) != crowded
        else:
            assert evolve_staff(busy, event) != busy


COMMENT, MESSAGE, OWN = "000000000000c", "000000000000m", "0000000000001"
SECRET = "secret words"
QUOTING = [
    Said(message=HostMessage(id=OWN, name="A", text="ok", at=1, answers=COMMENT, answered_text=SECRET)),
    Pinned(message=HostMessage(id=OWN, name="A", text="ok", at=1, answers=COMMENT, answered_text=SECRET)),
    Said(message=HostMessage(id=MESSAGE, name="A", text=SECRET, at=1)),
    Pinned(message=HostMessage(id=MESSAGE, name="A", text=SECRET, at=1)),
    e.Unretracted(message=HostMessage(id=MESSAGE, name="A", text=SECRET, at=1)),
    e.Restored(comments=[e.Commented(id=COMMENT, by="b", name="n", text=SECRET)]),
    e.Answered(
        comment=COMMENT,
        message=HostMessage(id=OWN, name="A", text="ok", at=1, answers=COMMENT, answered_text=SECRET),
    ),
]


@pytest.mark.parametrize("event", QUOTING, ids=lambda event: type(event).__name__)
def test_redaction_takes_the_words_and_leaves_the_event(event: e.Event) -> None:
    written = msgspec.json.encode(event)
    redacted = redact(written, [COMMENT, MESSAGE])
    assert SECRET.encode() not in redacted
    assert isinstance(msgspec.json.decode(redacted, type=LogEvent | e.NoticeEvent), type(event))
    assert redact(redacted, [COMMENT, MESSAGE]) == redacted


def test_redaction_leaves_alone_what_names_none_and_what_it_does_not_know() -> None:
    other = msgspec.json.encode(Said(message=message(1)))
    assert redact(other, [COMMENT]) == other
    newer = b'{"t":"of_a_newer_version","id":"' + COMMENT.encode() + b'"}'
    assert redact(newer, [COMMENT]) == newer
