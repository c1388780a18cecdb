"""The desk: what commands decide, and that a refused one leaves the desk as it was."""

from __future__ import annotations

import msgspec
import pytest

from livestream.protocol import commands as c
from livestream.protocol import events as e
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.show import ShowState
from livestream.room import rules
from livestream.room.desk import Decision, Purchase
from tests.support.desks import BOB, COMMENT, GONE, HELD, NEW, NOW, OTHER, VIEWER, a_desk, archived, run, undo_of

# -- what is said


def test_saying_makes_one_message_dated_by_the_desk() -> None:
    decision = run(a_desk(), c.Say(ref=1, text="Hello"))
    (said,) = decision.log
    assert isinstance(said, e.Said)
    assert (said.message.id, said.message.name, said.message.text, said.message.at) == (NEW, "Ada", "Hello", NOW)
    assert decision.made == NEW
    assert decision.notices == []


def test_saying_and_pinning_is_two_events_of_one_message() -> None:
    said, pinned = run(a_desk(), c.Say(ref=1, text="Hello", pin=True)).log
    assert isinstance(said, e.Said)
    assert pinned == e.Pinned(message=said.message)


def test_an_answer_quotes_the_comment_and_tells_its_author() -> None:
    decision = run(a_desk(), c.Say(ref=1, text="All of them", answers=COMMENT))
    (said,) = decision.log
    assert isinstance(said, e.Said)
    message = said.message
    assert (message.answers, message.answered_name, message.answered_text) == (COMMENT, "Bob", "which sizes?")
    assert decision.notices == [(BOB, e.Answered(comment=COMMENT, message=message))]


def test_an_anonymous_author_is_answered_without_a_notice() -> None:
    desk = a_desk()
    desk.comments[COMMENT] = archived(COMMENT, anonymous=True)
    decision = run(desk, c.Say(ref=1, text="Hi", answers=COMMENT))
    assert decision.notices == []
    assert isinstance(decision.log[0], e.Said)
    assert decision.log[0].message.answered_name == "Bob"


def test_an_answer_to_a_deleted_comment_does_not_bring_its_words_back() -> None:
    (said,) = run(a_desk(), c.Say(ref=1, text="No", answers=GONE)).log
    assert isinstance(said, e.Said)
    assert (said.message.answers, said.message.answered_text) == (GONE, None)


def test_the_second_command_of_a_batch_sees_the_first() -> None:
    desk = a_desk()
    run(desk, c.Say(ref=1, text="Hello"))
    (pinned,) = run(desk, c.Pin(ref=2, message=NEW)).log
    assert isinstance(pinned, e.Pinned)
    assert pinned.message is not None
    assert pinned.message.text == "Hello"
    run(desk, c.Retract(ref=3, message=NEW))
    with pytest.raises(Refused):
        run(desk, c.Pin(ref=4, message=NEW))
    run(desk, c.SetShow(ref=5, state=ShowState.ENDED))
    (scheduled,) = run(desk, c.Schedule(ref=6, title="Hats", starts_at=NOW)).log
    assert isinstance(scheduled, e.ShowChanged)
    assert scheduled.show.title == "Hats"
    with pytest.raises(Refused) as refused:
        run(desk, c.Schedule(ref=7, title="Bags", starts_at=NOW))
    assert refused.value.code is ErrorCode.SHOW_OPEN


# -- clocks


def test_a_countdown_ends_when_the_last_viewers_video_is_there() -> None:
    (started,) = run(a_desk(video_delay_ms=8000), c.Countdown(ref=1, title="Sale", seconds=60)).log
    assert isinstance(started, e.CountdownStarted)
    assert started.clock.ends_at == NOW + 68_000


def test_an_unfreeze_moves_what_runs_by_as_long_as_the_break_took() -> None:
    desk = a_desk()
    run(desk, c.Countdown(ref=1, title="Sale", seconds=60))
    run(desk, c.Freeze(ref=2))
    desk.now_ms += 90_000
    assert run(desk, c.Unfreeze(ref=3)).log == [e.Unfrozen(at=desk.now_ms, shifted_ms=90_000)]
    assert desk.room.countdown is not None
    assert desk.room.countdown.ends_at == NOW + 150_000


def test_the_end_of_a_show_ends_its_break_and_its_countdown() -> None:
    desk = a_desk()
    run(desk, c.Countdown(ref=1, title="Sale", seconds=60))
    run(desk, c.Freeze(ref=2))
    run(desk, c.SetShow(ref=3, state=ShowState.ENDED))
    assert (desk.room.freezing, desk.room.countdown) == (None, None)


# -- moderation


def test_a_deleted_comment_leaves_answers_that_quote_it() -> None:
    desk = a_desk()
    run(desk, c.Say(ref=1, text="All", answers=COMMENT, pin=True))
    run(desk, c.Delete(ref=2, comments=[COMMENT]))
    assert desk.room.messages[-1].answered_text is None
    assert desk.room.pinned is not None
    assert desk.room.pinned.answered_text is None
    assert desk.room.deleted == (COMMENT,)


def test_deleting_twice_is_told_once_and_restoring_brings_back_what_was_deleted() -> None:
    desk = a_desk()
    assert run(desk, c.Delete(ref=1, comments=[COMMENT])).log == [e.Deleted(comments=[COMMENT])]
    assert run(desk, c.Delete(ref=2, comments=[COMMENT])) == Decision()
    (restored,) = run(desk, c.Restore(ref=3, comments=[COMMENT])).log
    assert isinstance(restored, e.Restored)
    assert [each.text for each in restored.comments] == ["which sizes?"]
    assert run(desk, c.Restore(ref=4, comments=[COMMENT])) == Decision()


@pytest.mark.parametrize("show", [True, False])
def test_a_ruling_ends_the_wait_and_tells_the_author(show: bool) -> None:
    desk = a_desk()
    decision = run(desk, c.Rule(ref=1, comments=[HELD], show=show))
    assert [type(event) for event in decision.log] == ([e.Restored] if show else [])
    assert decision.notices == [(BOB, e.YourComment(comment=HELD, shown=show))]
    assert desk.staff.held == ()


def test_enough_reports_hold_a_comment_and_each_viewer_counts_once() -> None:
    desk = a_desk()
    viewers = [msgspec.structs.replace(VIEWER, pseudonym=f"p-{n}") for n in range(3)]
    for viewer in (viewers[0], viewers[0], viewers[1]):
        assert run(desk, c.Report(ref=1, comment=COMMENT), viewer).log == []
    assert run(desk, c.Report(ref=1, comment=COMMENT), viewers[2]).log == [e.Deleted(comments=[COMMENT])]
    assert [each.id for each in desk.staff.held] == [COMMENT, HELD]
    assert desk.staff.reports[0].reports == 3
    (restored,) = run(desk, c.Rule(ref=2, comments=[COMMENT], show=True)).log
    assert isinstance(restored, e.Restored)
    assert desk.staff.reports == ()


def test_while_nobody_is_on_duty_one_report_holds() -> None:
    desk = a_desk()
    desk.unattended = True
    assert run(desk, c.Report(ref=1, comment=COMMENT), VIEWER).log == [e.Deleted(comments=[COMMENT])]


def test_a_muted_person_is_told_and_viewers_are_not() -> None:
    decision = run(a_desk(), c.Mute(ref=1, who=BOB, seconds=600, why="spam"))
    assert decision.log == []
    assert decision.notices == [(BOB, e.YouWereMuted(until=NOW + 600_000, why="spam"))]


def test_a_ban_takes_what_was_said_last_along_unless_told_otherwise() -> None:
    assert run(a_desk(), c.Ban(ref=1, who=BOB, seconds=None)).log == [e.Deleted(comments=[COMMENT])]
    assert run(a_desk(), c.Ban(ref=1, who=BOB, seconds=None, delete=False)).log == []


def test_what_was_never_let_through_waits_again_when_it_comes_back() -> None:
    desk = a_desk()
    for refuse in (c.Rule(ref=1, comments=[HELD], show=False), c.Delete(ref=1, comments=[HELD])):
        undo = undo_of(run(desk, refuse))
        assert HELD not in desk.held
        back = run(desk, undo)
        assert back.log == []
        assert [type(each) for each in back.staff] == [e.Held, e.Acted]
        assert [each.id for each in desk.staff.held] == [HELD]


def test_to_keep_a_reported_comment_has_nothing_to_undo_and_starts_the_count_anew() -> None:
    desk = a_desk()
    viewers = [msgspec.structs.replace(VIEWER, pseudonym=f"p-{n}") for n in range(4)]
    run(desk, c.Report(ref=1, comment=COMMENT), viewers[0])
    run(desk, c.Report(ref=1, comment=COMMENT), viewers[1])
    kept = run(desk, c.Rule(ref=2, comments=[COMMENT], show=True))
    assert [each.undo for each in kept.staff if isinstance(each, e.Acted)] == [None]
    assert run(desk, c.Report(ref=1, comment=COMMENT), viewers[2]).log == []
    assert run(desk, c.Report(ref=1, comment=COMMENT), viewers[3]).log == []


def test_the_undo_of_a_ban_brings_back_what_went_with_it() -> None:
    desk = a_desk()
    undo = undo_of(run(desk, c.Ban(ref=1, who=BOB, seconds=None)))
    back = run(desk, undo)
    (restored,) = back.log
    assert isinstance(restored, e.Restored)
    assert [each.id for each in restored.comments] == [COMMENT]


def test_the_undo_of_a_second_mute_is_the_first() -> None:
    desk = a_desk()
    undo = undo_of(run(desk, c.Mute(ref=1, who="p-mut", seconds=None)))
    run(desk, undo)
    (mute,) = (each for each in desk.staff.sanctions if each.who == "p-mut")
    assert mute.until == NOW + 60_000


def test_the_undo_of_a_second_mute_brings_back_its_end_its_reason_and_the_comments_however_late() -> None:
    desk = a_desk()
    run(desk, c.Mute(ref=1, who=BOB, seconds=600, why="spam"))
    undo = undo_of(run(desk, c.Mute(ref=1, who=BOB, seconds=None, why="again", delete=True)))
    desk.now_ms += 540_000
    (restored,) = run(desk, undo).log
    assert isinstance(restored, e.Restored)
    (mute,) = (each for each in desk.staff.sanctions if each.who == BOB)
    assert (mute.until, mute.why) == (NOW + 600_000, "spam")


@pytest.mark.parametrize("fate", ["sampled_out", "collapsed"])
def test_what_was_never_on_a_screen_is_not_brought_to_it(fate: str) -> None:
    desk = a_desk()
    desk.comments[GONE] = archived(GONE, fate=fate)
    assert run(desk, c.Restore(ref=1, comments=[GONE])).log == []
    assert run(desk, c.Unban(ref=1, who="p-ban", restore=[GONE])).log == []


def test_an_answer_quotes_nothing_that_waits() -> None:
    decision = run(a_desk(), c.Say(ref=1, text="soon", answers=HELD))
    (said,) = decision.log
    assert isinstance(said, e.Said)
    assert (said.message.answered_name, said.message.answered_text) == (None, None)


# -- rules


def test_rules_change_by_what_is_given_and_undo_brings_them_back() -> None:
    desk = a_desk()
    before = desk.room.chat
    decision = run(desk, c.SetChat(ref=1, slow_mode_s=30, links=True))
    assert (desk.room.chat.slow_mode_s, desk.room.chat.links, desk.room.chat.buyers_only) == (30, True, False)
    undo = undo_of(decision)
    run(desk, undo)
    assert desk.room.chat == before


def test_a_room_goes_back_to_the_deployments_display_rate_by_undo_and_by_nought() -> None:
    desk = a_desk()
    decision = run(desk, c.SetRoom(ref=1, display_per_s=5.0, video_delay_s=8.0))
    assert (desk.staff.policy.display_per_s, desk.room.video_delay_ms) == (5.0, 8000)
    run(desk, undo_of(decision))
    assert (desk.staff.policy.display_per_s, desk.room.video_delay_ms) == (None, 0)
    run(desk, c.SetRoom(ref=2, display_per_s=5.0))
    back = run(desk, c.SetRoom(ref=3, display_per_s=0))
    assert desk.staff.policy.display_per_s is None
    assert "set display_per_s to the default" in [each.what for each in back.staff if isinstance(each, e.Acted)]


def test_while_nobody_is_on_duty_stricter_rules_hold_and_end() -> None:
    desk = a_desk()
    run(desk, c.SetChat(ref=1, links=True, slow_mode_s=5))
    set_by_hand = desk.room.chat
    desk.apply(rules.attend(desk, True))
    assert (desk.room.chat.links, desk.room.chat.slow_mode_s, desk.room.chat.unattended) == (False, 30, True)
    run(desk, c.SetChat(ref=2, buyers_only=True))
    assert (desk.room.chat.links, desk.room.chat.buyers_only) == (False, True)
    desk.apply(rules.attend(desk, False))
    assert desk.room.chat == msgspec.structs.replace(set_by_hand, buyers_only=True)


# -- refunds


def test_a_small_refund_is_confirmed_at_once_and_a_large_one_by_somebody_else() -> None:
    desk = a_desk()
    small = run(desk, c.Refund(ref=1, key="k", purchase="A1", amount=10_000, why="broken"))
    assert [kind for kind, _ in small.webhooks] == ["refund.confirmed"]
    large = run(desk, c.Refund(ref=2, key="k", purchase="A1", why="broken"), new_id="0000000000r02")
    assert large.webhooks == []
    assert desk.purchases["A1"].left == 0
    with pytest.raises(Refused) as refused:
        run(desk, c.DecideRefund(ref=3, refund="0000000000r02", confirm=True))
    assert refused.value.code is ErrorCode.SECOND_PERSON
    confirmed = run(desk, c.DecideRefund(ref=4, refund="0000000000r02", confirm=True), OTHER)
    ((_, request),) = confirmed.webhooks
    assert isinstance(request, e.RefundRequest)
    assert (request.amount, request.decided_by) == (40_000, "Bo")


def test_the_limit_holds_for_all_refunds_of_a_purchase_together() -> None:
    desk = a_desk()
    states = []
    for number in range(4):
        new_id = f"0000000000s0{number}"
        run(desk, c.Refund(ref=1, key=f"k{number}", purchase="A1", amount=4_000, why="broken"), new_id=new_id)
        states.append(any(each.id == new_id for each in desk.staff.refunds))
    assert states == [False, False, True, True]


@pytest.mark.parametrize(("exponent", "amount", "asks"), [(0, 100, False), (0, 101, True), (3, 100_001, True)])
def test_the_limit_counts_units_whatever_the_currency(exponent: int, amount: int, asks: bool) -> None:
    desk = a_desk()
    desk.purchases["A1"] = Purchase("A1", "JPY", exponent, 500_000, 500_000)
    run(desk, c.Refund(ref=1, key="k", purchase="A1", amount=amount, why="broken"), new_id="0000000000r02")
    assert any(each.id == "0000000000r02" for each in desk.staff.refunds) is asks


def test_nobody_confirms_alone_what_an_erased_person_asked_for() -> None:
    desk = a_desk()
    desk.askers["0000000000r01"] = ""
    with pytest.raises(Refused) as refused:
        run(desk, c.DecideRefund(ref=1, refund="0000000000r01", confirm=True), OTHER)
    assert refused.value.code is ErrorCode.SECOND_PERSON
    run(desk, c.DecideRefund(ref=2, refund="0000000000r01", confirm=False), OTHER)
    assert desk.staff.refunds == ()


def test_a_refused_refund_gives_the_amount_back() -> None:
    desk = a_desk()
    run(desk, c.Refund(ref=1, key="k", purchase="A1", why="broken"), new_id="0000000000r02")
    run(desk, c.DecideRefund(ref=2, refund="0000000000r02", confirm=False), OTHER)
    assert desk.purchases["A1"].left == 50_000
