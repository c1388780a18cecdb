"""The session: join first and once, then role by role and rate by rate."""

from __future__ import annotations

import itertools

import pytest

from gateway.session import Session, SessionState, rates
from livestream.protocol import commands as c
from livestream.protocol.commands import COMMANDS, Command, Comment, Join, Like, Pin, Say, SetShow
from livestream.protocol.errors import CloseCode, ErrorCode, ProtocolViolation, Refused
from livestream.protocol.examples import MESSAGES
from livestream.protocol.limits import RATES, Rate, RateClass
from livestream.protocol.roles import Role
from livestream.room.desk import Actor

#: one of each kind, as the golden vectors have them
EXAMPLES: dict[type[Command], Command] = {
    type(message): message for message in reversed(MESSAGES) if isinstance(message, Command)
}
#: an anonymous entry is refused with a reason, and recorded; a reveal proves itself
TALK = {c.Comment, c.Like, c.EnterDraw, c.RevealDraw}
SIGNED_IN = TALK | {c.ClaimPrize, c.DeclinePrize, c.Seen, c.Report, c.Block, c.Unblock}
SIGNED_IN |= {c.OpenTeam, c.JoinTeam, c.LeaveTeam, c.PaySeat}
MODERATE = SIGNED_IN | {c.Delete, c.Restore, c.Rule, c.Mute, c.Unmute, c.Ban, c.Unban, c.SetChat}
RUN = MODERATE | {
    c.Say, c.Retract, c.Unretract, c.Pin, c.Feature, c.Schedule, c.SetShow, c.Countdown, c.CancelCountdown, c.Freeze,
    c.Unfreeze, c.Invite, c.HandOver, c.CreateDraw, c.SaveTemplate, c.OpenDraw, c.CloseDraw, c.CancelDraw,
}  # fmt: skip
MONEY = RUN | {
    c.SetRoom, c.Refund, c.DecideRefund, c.MarkClaimed, c.DisqualifyWinner,
    c.OpenDeal, c.ChangeDeal, c.ExtendDeal, c.CloseDeal, c.VoidDeal, c.WaiveTeam,
    c.RefundOrder, c.DecideOrderRefund,
}  # fmt: skip
#: the permission table, written a second time by hand
MAY: dict[Role, set[type[Command]]] = {
    Role.ANONYMOUS: TALK,
    Role.VIEWER: SIGNED_IN,
    Role.MODERATOR: MODERATE,
    Role.HOST: RUN,
    Role.OPERATOR: MONEY,
    Role.SERVICE: MONEY,
}


def joined(role: Role = Role.VIEWER) -> Session:
    session = Session()
    session.joining()
    session.joined(Actor("shop", "demo", "viewer:1", "1", role, "Ann", "p"))
    return session


def code(session: Session, command: Command, now: float = 0.0) -> ErrorCode | None:
    try:
        session.admit(command, command.rate, RATES, now)
    except Refused as refused:
        return refused.code
    return None


def test_every_command_and_every_role_stands_in_the_table() -> None:
    assert set(EXAMPLES) == set(COMMANDS)
    assert set(MAY) == set(Role)


@pytest.mark.parametrize(("role", "kind"), [*itertools.product(Role, [kind for kind in COMMANDS if kind is not Join])])
def test_who_may_send_what(role: Role, kind: type[Command]) -> None:
    expected = None if kind in MAY[role] else ErrorCode.FORBIDDEN
    assert code(joined(role), EXAMPLES[kind]) is expected


@pytest.mark.parametrize("kind", [kind for kind in COMMANDS if kind is not Join])
def test_before_the_join_nothing_else_runs(kind: type[Command]) -> None:
    session = Session()
    assert code(session, EXAMPLES[kind]) is ErrorCode.NOT_JOINED
    session.joining()
    assert code(session, EXAMPLES[kind]) is ErrorCode.NOT_JOINED


def test_a_connection_joins_once_and_again_only_after_a_refusal() -> None:
    session = Session()
    join = EXAMPLES[Join]
    assert code(session, join) is None
    session.joining()
    assert code(session, join) is ErrorCode.ALREADY_JOINED
    session.refused_to_join()
    assert session.state is SessionState.NEW
    assert code(session, join) is None
    session.joining()
    session.joined(Actor("shop", "demo", "viewer:1", "1", Role.VIEWER, "Ann", "p"))
    assert code(session, join) is ErrorCode.ALREADY_JOINED


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_class_of_commands_has_its_burst_and_then_its_rate(kind: type[Command]) -> None:
    session = Session() if kind is Join else joined(Role.OPERATOR)
    rate = RATES[kind.rate]
    assert [code(session, EXAMPLES[kind]) for _ in range(rate.burst)] == [None] * rate.burst
    with pytest.raises(Refused) as refused:
        session.admit(EXAMPLES[kind], kind.rate, RATES, 0.0)
    assert refused.value.code is ErrorCode.RATE_LIMITED
    wait_ms = refused.value.retry_after_ms
    assert wait_ms is not None
    assert code(session, EXAMPLES[kind], wait_ms / 1000) is None
    assert code(session, EXAMPLES[kind], wait_ms / 1000) is ErrorCode.RATE_LIMITED


def test_commands_of_one_class_share_a_bucket_and_classes_do_not() -> None:
    session = joined(Role.HOST)
    for _ in range(RATES[RateClass.STAFF].burst // 2):
        assert code(session, EXAMPLES[Say]) is None
        assert code(session, EXAMPLES[Pin]) is None
    assert code(session, EXAMPLES[SetShow]) is ErrorCode.RATE_LIMITED
    assert code(session, EXAMPLES[Comment]) is None


def test_a_forbidden_command_costs_no_token_of_its_class() -> None:
    session = joined(Role.MODERATOR)
    for _ in range(200):
        assert code(session, EXAMPLES[Say]) is ErrorCode.FORBIDDEN


def test_who_goes_on_after_many_refusals_is_closed_as_a_flood() -> None:
    session = joined()
    like = EXAMPLES[Like]
    answers = [code(session, like) for _ in range(RATES[RateClass.LIKE].burst + 100)]
    assert answers == [None] * RATES[RateClass.LIKE].burst + [ErrorCode.RATE_LIMITED] * 100
    with pytest.raises(ProtocolViolation) as violation:
        session.admit(like, like.rate, RATES, 0.0)
    assert violation.value.close is CloseCode.FLOOD


def test_refusals_now_and_then_are_borne_for_ever() -> None:
    session = joined()
    for second in range(1000):
        for _ in range(RATES[RateClass.LIKE].burst):
            code(session, EXAMPLES[Like], float(second))
            if code(session, EXAMPLES[Like], float(second)) is ErrorCode.RATE_LIMITED:
                break


def test_a_deployment_may_set_its_own_rates() -> None:
    own = rates({RateClass.COMMENT: Rate(1, 0.1)})
    assert own[RateClass.COMMENT] == Rate(1, 0.1)
    assert {kind: rate for kind, rate in own.items() if kind is not RateClass.COMMENT} == {
        kind: rate for kind, rate in RATES.items() if kind is not RateClass.COMMENT
    }
