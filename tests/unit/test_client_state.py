"""Snapshot + pushes = state."""

from __future__ import annotations

from livestream.client_state import RoomView, apply
from livestream.client_wire import Unknown
from livestream.protocol import limits
from livestream.protocol.draws import OwnDraw, PassedWhy, YourPrizeClaimed, YourPrizeWentOn, YouWon
from livestream.protocol.events import Answered, Arrived, Commented, HostMessage, LogEvent, Pinned, Said
from livestream.protocol.pushes import AnyPush, Gauge, Heartbeat, Live, Log, Notice, OwnDraws, Snapshot
from livestream.protocol.state import RoomState, evolve


def message(number: int) -> HostMessage:
    return HostMessage(id=f"{number:013}", name="Ada", text=f"message {number}", at=number)


def comment(number: int) -> Commented:
    return Commented(id=f"{number:013}", by="b", name="n", text=f"comment {number}")


def after(view: RoomView, *pushes: AnyPush) -> RoomView:
    for push in pushes:
        view = apply(view, push)
    return view


def test_the_log_makes_of_a_view_what_it_makes_of_the_servers_state() -> None:
    events: list[LogEvent] = [Said(message=message(number)) for number in range(70)]
    events += [Pinned(message=message(3)), Said(message=message(71)), Pinned(message=None), Pinned(message=message(9))]
    server, view = RoomState(), RoomView()
    for seq, event in enumerate(events, 1):
        server = evolve(server, event)
        view = apply(view, Log(seq=seq, at=0, event=event))
    assert (view.seq, view.messages, view.pinned) == (len(events), server.messages, server.pinned)
    assert len(view.messages) == limits.SNAPSHOT_MESSAGES


def test_a_snapshot_makes_forget_all_but_what_was_for_this_viewer() -> None:
    notice = Notice(notice=1, at=0, event=Answered(comment="0" * 13, message=message(1)))
    before = after(
        RoomView(), Log(seq=1, at=0, event=Said(message=message(1))), Live(events=[comment(1)], left_out=4), notice
    )
    view = apply(before, Snapshot(epoch="e", seq=9, room="demo", title="T", values={"likes": 3}))
    assert view == RoomView(epoch="e", seq=9, room="demo", title="T", values={"likes": 3}, notices=(notice,))


def test_live_keeps_the_newest_comments_and_sums_what_was_left_out() -> None:
    view = RoomView()
    for number in range(60):
        view = apply(view, Live(events=[Arrived(name="Bo"), comment(number)], left_out=2))
    assert [item.text for item in view.comments] == [f"comment {number}" for number in range(10, 60)]
    assert view.left_out == 120


def test_gauges_replace_their_own_key_only() -> None:
    view = after(RoomView(), Gauge(values={"likes": 1, "viewers": 2}), Gauge(values={"likes": 5}))
    assert view.values == {"likes": 5, "viewers": 2}


def test_what_one_draw_brings_never_touches_another() -> None:
    first, second, third = ("01" * 16, "02" * 16, "03" * 16)

    def won(draw: str) -> YouWon:
        return YouWon(draw=draw, title="t", prize=0, prize_title="p", claim_until=9)

    def told(number: int, event: YouWon | YourPrizeClaimed | YourPrizeWentOn) -> Notice:
        return Notice(notice=number, at=0, event=event)

    view = after(RoomView(), OwnDraws(entries=4, draws=[OwnDraw(draw=third)]), told(1, won(first)))
    assert [(own.draw, own.prize) for own in view.own_draws] == [(first, 0), (third, None)]
    claimed = YourPrizeClaimed(draw=first, title="t", prize=0, prize_title="p", delete_at=99)
    gone = YourPrizeWentOn(draw=second, title="t", prize_title="p", why=PassedWhy.DECLINED)
    view = after(view, told(2, won(second)), told(3, claimed), told(4, gone))
    assert [(own.draw, own.prize, own.claimed, own.delete_at) for own in view.own_draws] == [
        (first, 0, True, 99), (second, None, False, None), (third, None, False, None)
    ]  # fmt: skip
    assert view.values["draw_entries"] == 4


def test_an_unknown_event_moves_the_position_and_nothing_else() -> None:
    unknown = Log(seq=4, at=0, event=Unknown(fields={"t": "draw_opened"}))  # type: ignore[arg-type]
    assert apply(RoomView(seq=3, title="T"), unknown) == RoomView(seq=4, title="T")
    assert apply(RoomView(seq=3), Heartbeat(now=1, seq=3)) == RoomView(seq=3)


def test_a_view_is_never_changed_in_place() -> None:
    view = RoomView(values={"likes": 1})
    after(view, Gauge(values={"likes": 2}), Live(events=[comment(1)]), Log(seq=1, at=0, event=Pinned(message=None)))
    assert view == RoomView(values={"likes": 1})
