"""The desk: what commands decide, and that a refused one leaves the desk as it was."""

from __future__ import annotations

import copy

import msgspec
import pytest

from livestream.protocol import commands as c
from livestream.protocol import events as e
from livestream.protocol.commands import Command
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.roles import Role
from livestream.protocol.show import ShowState
from livestream.protocol.state import RoomState, StaffState
from livestream.room import deskwork, rules
from livestream.room.desk import Actor, ArchivedComment, Decision, Desk, Person, Purchase

NOW = 1_790_000_000_000
HOST = Actor("shop", "room", "viewer:h1", "h1", Role.HOST, "Ada", "p-ada")
OTHER = msgspec.structs.replace(HOST, viewer_id="h2", pseudonym="p-bo", name="Bo", role=Role.OPERATOR)
VIEWER = Actor("shop", "room", "viewer:v9", "v9", Role.VIEWER, "Cy", "p-cy")
COMMENT, HELD, GONE, GHOST, NEW = (f"0000000000{name}" for name in ("c01", "c02", "c03", "c99", "n01"))
MESSAGE, RETRACTED = "0000000000m01", "0000000000m02"
BOB = "p-bob"


def archived(comment_id: str, *, fate: str = "shown", anonymous: bool = False) -> ArchivedComment:
    return ArchivedComment(
        comment_id, BOB, anonymous, "Bob", "which sizes?", NOW - 5000, Role.VIEWER, fate, frozenset(), 0
    )


def a_desk(state: ShowState | None = ShowState.LIVE, **room: object) -> Desk:
    current = None if state is None else e.Show(id="0000000000001", title="Shoes", state=state, starts_at=NOW)
    held = archived(HELD, fate="held")
    refund = e.RefundRequest(
        id="0000000000r01", purchase="A2", amount=90_000, currency="PLN", state=e.RefundState.ASKED, asked_by="Ada"
    )
    return Desk(
        now_ms=NOW,
        shop_id="shop",
        room=RoomState(room="room", title="Room", show=current, **room),  # type: ignore[arg-type]
        staff=StaffState(
            held=(held.held("words"),),
            refunds=(refund,),
            sanctions=(
                e.Sanction(who="p-mut", name="Mut", kind=e.SanctionKind.MUTE, at=NOW, until=NOW + 60_000),
                e.Sanction(who="p-ban", name="Ban", kind=e.SanctionKind.BAN, at=NOW),
            ),
        ),
        messages={
            MESSAGE: e.HostMessage(id=MESSAGE, name="Ada", text="Hello", at=NOW),
            RETRACTED: e.HostMessage(id=RETRACTED, name="Ada", text="Wrong", at=NOW),
        },
        retracted={RETRACTED},
        comments={COMMENT: archived(COMMENT), HELD: held, GONE: archived(GONE)},
        hidden={GONE},
        held={HELD: held.held("words")},
        said_by={BOB: [COMMENT]},
        people={
            BOB: Person(BOB, "Bob", None),
            "p-mut": Person("p-mut", "Mut", None),
            "p-bo": Person("p-bo", "Bo", Role.HOST),
            "p-mod": Person("p-mod", "Mo", Role.MODERATOR),
        },
        products={"cup": e.Product(id="cup", title="Cup", price=1999, currency="PLN")},
        purchases={"A1": Purchase("A1", "PLN", 2, 50_000, 50_000), "A2": Purchase("A2", "PLN", 2, 100, 0)},
        askers={"0000000000r01": "p-ada"},
        refund_limit=10_000,
    )


def run(desk: Desk, command: Command, actor: Actor = HOST, new_id: str = NEW) -> Decision:
    """Decide, and evolve, as a batch does."""
    decision = deskwork.decide(desk, actor, command, new_id)
    desk.apply(decision)
    return decision


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


# -- for every command


def _frozen(desk: Desk) -> None:
    run(desk, c.Freeze(ref=1))


REFUSED: list[tuple[ShowState | None, Command, ErrorCode]] = [
    (ShowState.LIVE, c.Say(ref=1, text="x", answers=GHOST), ErrorCode.COMMENT_NOT_FOUND),
    (ShowState.LIVE, c.Say(ref=1, text="x", answers=GHOST, pin=True), ErrorCode.COMMENT_NOT_FOUND),
    (ShowState.LIVE, c.Pin(ref=1, message=GHOST), ErrorCode.MESSAGE_NOT_FOUND),
    (ShowState.LIVE, c.Pin(ref=1, message=RETRACTED), ErrorCode.MESSAGE_NOT_FOUND),
    (ShowState.LIVE, c.Retract(ref=1, message=RETRACTED), ErrorCode.MESSAGE_NOT_FOUND),
    (ShowState.LIVE, c.Unretract(ref=1, message=MESSAGE), ErrorCode.MESSAGE_NOT_FOUND),
    (ShowState.LIVE, c.Feature(ref=1, product="mug"), ErrorCode.PRODUCT_NOT_FOUND),
    (ShowState.LIVE, c.Schedule(ref=1, title="Hats", starts_at=NOW), ErrorCode.SHOW_OPEN),
    (ShowState.ENDED, c.SetShow(ref=1, state=ShowState.LIVE), ErrorCode.ILLEGAL_TRANSITION),
    (None, c.SetShow(ref=1, state=ShowState.LIVE), ErrorCode.NO_SHOW),
    (None, c.Countdown(ref=1, title="Sale", seconds=60), ErrorCode.NO_SHOW),
    (ShowState.LIVE, c.CancelCountdown(ref=1), ErrorCode.NO_COUNTDOWN),
    (ShowState.LIVE, c.Unfreeze(ref=1), ErrorCode.NOT_FROZEN),
    (ShowState.LIVE, c.HandOver(ref=1, to=BOB), ErrorCode.PERSON_NOT_FOUND),
    (ShowState.LIVE, c.HandOver(ref=1, to="p-mod"), ErrorCode.PERSON_NOT_FOUND),
    (ShowState.LIVE, c.Delete(ref=1, comments=[COMMENT, GHOST]), ErrorCode.COMMENT_NOT_FOUND),
    (ShowState.LIVE, c.Restore(ref=1, comments=[GHOST]), ErrorCode.COMMENT_NOT_FOUND),
    (ShowState.LIVE, c.Rule(ref=1, comments=[GHOST], show=True), ErrorCode.COMMENT_NOT_FOUND),
    (ShowState.LIVE, c.Report(ref=1, comment=GHOST), ErrorCode.COMMENT_NOT_FOUND),
    (ShowState.LIVE, c.Mute(ref=1, who=GHOST, seconds=60), ErrorCode.PERSON_NOT_FOUND),
    (ShowState.LIVE, c.Mute(ref=1, who="p-bo", seconds=60), ErrorCode.NOT_STAFF),
    (ShowState.LIVE, c.Ban(ref=1, who=GHOST, seconds=None), ErrorCode.PERSON_NOT_FOUND),
    (ShowState.LIVE, c.Ban(ref=1, who="p-bo", seconds=None), ErrorCode.NOT_STAFF),
    (ShowState.LIVE, c.Unmute(ref=1, who=BOB), ErrorCode.NOT_SANCTIONED),
    (ShowState.LIVE, c.Unban(ref=1, who="p-mut"), ErrorCode.NOT_SANCTIONED),
    (ShowState.LIVE, c.Unmute(ref=1, who="p-mut", restore=[GHOST]), ErrorCode.COMMENT_NOT_FOUND),
    (ShowState.LIVE, c.Unban(ref=1, who="p-ban", restore=[GHOST]), ErrorCode.COMMENT_NOT_FOUND),
    (ShowState.LIVE, c.Mute(ref=1, who=BOB, seconds=600, restore=[GHOST]), ErrorCode.COMMENT_NOT_FOUND),
    (ShowState.LIVE, c.Ban(ref=1, who=BOB, seconds=None, restore=[GHOST]), ErrorCode.COMMENT_NOT_FOUND),
    (ShowState.LIVE, c.Refund(ref=1, key="k", purchase="A9", why="x"), ErrorCode.PURCHASE_NOT_FOUND),
    (ShowState.LIVE, c.Refund(ref=1, key="k", purchase="A1", amount=50_001, why="x"), ErrorCode.AMOUNT_REFUSED),
    (ShowState.LIVE, c.Refund(ref=1, key="k", purchase="A1", amount=0, why="x"), ErrorCode.AMOUNT_REFUSED),
    (ShowState.LIVE, c.Refund(ref=1, key="k", purchase="A2", why="x"), ErrorCode.AMOUNT_REFUSED),
    (ShowState.LIVE, c.DecideRefund(ref=1, refund=GHOST, confirm=True), ErrorCode.REFUND_NOT_FOUND),
    (ShowState.LIVE, c.DecideRefund(ref=1, refund="0000000000r01", confirm=True), ErrorCode.SECOND_PERSON),
]
FROZEN: list[Command] = [c.Freeze(ref=1), c.Countdown(ref=1, title="Sale", seconds=60)]


@pytest.mark.parametrize(("state", "command", "code"), REFUSED)
def test_a_refused_command_changes_nothing(state: ShowState | None, command: Command, code: ErrorCode) -> None:
    desk = a_desk(state)
    before = copy.deepcopy(desk)
    with pytest.raises(Refused) as refused:
        run(desk, command)
    assert refused.value.code is code
    assert desk == before


@pytest.mark.parametrize("command", FROZEN)
def test_in_a_frozen_room_no_clock_is_started(command: Command) -> None:
    desk = a_desk()
    run(desk, c.Freeze(ref=1))
    with pytest.raises(Refused) as refused:
        run(desk, command)
    assert refused.value.code is ErrorCode.FROZEN


def test_the_tables_of_refusals_cover_what_the_protocol_declares() -> None:
    declared = {(command, code) for command in deskwork.COMMANDS for code in command.errors}
    tried = {(type(command), code) for _, command, code in REFUSED} | {
        (type(each), ErrorCode.FROZEN) for each in FROZEN
    }
    assert {pair for pair in declared if pair[1] is not ErrorCode.KEY_REUSED} == tried


ACTS: list[tuple[ShowState, Command, str]] = [
    (ShowState.LIVE, c.Say(ref=1, text="x"), "said a message"),
    (ShowState.LIVE, c.Say(ref=1, text="x", pin=True), "said a message and pinned it"),
    (ShowState.LIVE, c.Say(ref=1, text="x", answers=COMMENT), f"answered comment {COMMENT}"),
    (ShowState.LIVE, c.Retract(ref=1, message=MESSAGE), f"took message {MESSAGE} back"),
    (ShowState.LIVE, c.Unretract(ref=1, message=RETRACTED), f"showed message {RETRACTED} again"),
    (ShowState.LIVE, c.Pin(ref=1, message=None), "took the pin away"),
    (ShowState.LIVE, c.Pin(ref=1, message=MESSAGE), f"pinned message {MESSAGE}"),
    (ShowState.LIVE, c.Feature(ref=1, product="cup"), "showed product cup"),
    (ShowState.LIVE, c.Feature(ref=1, product=None), "took the product away"),
    (ShowState.ENDED, c.Schedule(ref=1, title="Hats", starts_at=NOW), "scheduled the show 'Hats'"),
    (ShowState.LIVE, c.SetShow(ref=1, state=ShowState.PAUSED), "set the show to paused"),
    (ShowState.LIVE, c.Countdown(ref=1, title="Sale", seconds=60), "started a countdown of 60 s: 'Sale'"),
    (ShowState.LIVE, c.Freeze(ref=1), "froze the room"),
    (ShowState.LIVE, c.HandOver(ref=1, to="p-bo"), "handed over to Bo"),
    (ShowState.LIVE, c.Delete(ref=1, comments=[COMMENT]), "deleted 1 comment of Bob"),
    (ShowState.LIVE, c.Restore(ref=1, comments=[GONE]), "brought back 1 comment of Bob"),
    (ShowState.LIVE, c.Rule(ref=1, comments=[HELD], show=True), "let through 1 comment of Bob"),
    (ShowState.LIVE, c.Rule(ref=1, comments=[HELD, COMMENT], show=False), "turned down 2 comments of Bob"),
    (ShowState.LIVE, c.Mute(ref=1, who=BOB, seconds=600), "muted Bob for 600 s"),
    (ShowState.LIVE, c.Ban(ref=1, who=BOB, seconds=None), "banned Bob for ever"),
    (ShowState.LIVE, c.Unmute(ref=1, who="p-mut"), "unmuted Mut"),
    (ShowState.LIVE, c.SetChat(ref=1, slow_mode_s=30), "set slow_mode_s to 30"),
    (ShowState.LIVE, c.SetChat(ref=1, slow_mode_s=0), "changed no setting"),
    (ShowState.LIVE, c.SetRoom(ref=1, title="T", video_delay_s=3), "set title to t, video_delay_s to 3.0"),
    (
        ShowState.LIVE,
        c.Refund(ref=1, key="k", purchase="A1", amount=1, why="x"),
        "asked for 0.01 PLN back for purchase A1",
    ),
]


@pytest.mark.parametrize(("state", "command", "what"), ACTS)
def test_what_staff_do_stands_in_the_audit_trail_once(state: ShowState, command: Command, what: str) -> None:
    entries = [event for event in run(a_desk(state), command).staff if isinstance(event, e.Acted)]
    (entry,) = entries
    assert (entry.who, entry.name, entry.role, entry.what) == ("h1", "Ada", Role.HOST, what)
    assert entry.command == command.__struct_config__.tag


UNDONE: list[Command] = [
    c.Say(ref=1, text="x"),
    c.Retract(ref=1, message=MESSAGE),
    c.Pin(ref=1, message=MESSAGE),
    c.Feature(ref=1, product="cup"),
    c.Countdown(ref=1, title="Sale", seconds=60),
    c.Freeze(ref=1),
    c.Delete(ref=1, comments=[COMMENT]),
    c.Rule(ref=1, comments=[HELD], show=False),
    c.Mute(ref=1, who=BOB, seconds=600),
    c.Ban(ref=1, who=BOB, seconds=None),
    c.Unmute(ref=1, who="p-mut"),
    c.SetChat(ref=1, buyers_only=True),
    c.SetRoom(ref=1, title="Other", video_delay_s=2.5, reports_to_hold=1),
]


def undo_of(decision: Decision) -> Command:
    """The command that the audit trail offers as undo, as a panel sends it."""
    (undo,) = [event.undo for event in decision.staff if isinstance(event, e.Acted)]
    assert undo is not None
    command: Command = msgspec.convert({**undo, "ref": 2}, c.AnyCommand)
    return command


@pytest.mark.parametrize("command", UNDONE)
def test_the_undo_that_the_audit_trail_offers_can_be_sent_as_it_is(command: Command) -> None:
    desk = a_desk()
    undo = undo_of(run(desk, command))
    run(desk, undo)


def test_what_is_no_desk_command_is_a_bug_of_the_caller() -> None:
    with pytest.raises(KeyError):
        run(a_desk(), c.Like(ref=1))
