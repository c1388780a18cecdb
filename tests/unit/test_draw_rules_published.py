"""What a host plans becomes rules; names are masked; who may enter."""

from __future__ import annotations

import msgspec
import pytest

from livestream.protocol.codec import Codec, decode_commands
from livestream.protocol.commands import CreateDraw
from livestream.protocol.draws import BeaconKind, DrawNeeds, DrawPlan, DrawWeights, EntryKind, PrizeTier
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.replies import Error
from livestream.protocol.roles import Role
from lottery import publish
from lottery.eligibility import Candidate, judge
from lottery.masking import mask
from lottery.rules import DrandBeacon, Rules
from lottery.weight import Facts

PLAN = DrawPlan(title="t", organiser="o", prizes=[PrizeTier(tier="1", name="n", value=1, currency="PLN")])
PLACE = publish.Place("Room", rehearsal=False, teams=False)


def planned(**changes: object) -> DrawPlan:
    return msgspec.structs.replace(PLAN, **changes)


@pytest.mark.parametrize(
    "plan",
    [
        planned(entry=EntryKind.PASSWORD),
        planned(password="x"),
        planned(prizes=[PrizeTier(tier="1", name="n", quantity=150, value=1, currency="PLN")] * 2),
        planned(needs=DrawNeeds(bought=True)),
        planned(weights=DrawWeights(bought=1)),
        planned(needs=DrawNeeds(team=True)),
        planned(beacon=BeaconKind.RECORDED),
    ],
)
def test_plans_that_do_not_fit_are_refused(plan: DrawPlan) -> None:
    with pytest.raises(Refused) as caught:
        publish.check(plan, PLACE)
    assert caught.value.code is ErrorCode.DRAW_RULES_REFUSED
    assert caught.value.detail


@pytest.mark.parametrize(
    "fields",
    [
        {"seconds": 29}, {"seconds": 301}, {"prizes": []}, {"claim_s": 59}, {"weights": {"bought": 101}},
        {"weights": {"commented": -1}}, {"password": "  "}, {"exclude_winners_of": 101}, {"title": ""},
        {"prizes": [{"tier": "1", "name": "n", "value": 1, "currency": "PLN", "quantity": 0}]},
        {"prizes": [{"tier": "1", "name": "n", "value": -1, "currency": "PLN"}]},
    ],
    ids=str,
)  # fmt: skip
def test_what_no_plan_may_be_is_refused_at_the_door(fields: dict[str, object]) -> None:
    def decoded(plan: dict[str, object]) -> object:
        (command,) = decode_commands(msgspec.json.encode([{"t": "create_draw", "ref": 1, "plan": plan}]), Codec.JSON)
        return command.code if isinstance(command, Error) else command

    good: dict[str, object] = msgspec.to_builtins(PLAN)
    assert isinstance(decoded(good), CreateDraw)
    assert decoded({**good, **fields}) is ErrorCode.INVALID


def test_the_same_with_what_was_missing_is_taken() -> None:
    place = publish.Place("Room", rehearsal=True, teams=True)
    publish.check(planned(entry=EntryKind.PASSWORD, password="x"), PLACE)
    publish.check(planned(needs=DrawNeeds(bought=True), weights=DrawWeights(bought=1), law_read=True), PLACE)
    publish.check(planned(needs=DrawNeeds(team=True), beacon=BeaconKind.RECORDED), place)


@pytest.mark.parametrize(("names", "commitments"), [([], []), (["Ada"], []), (["Ada", "Bo"], ["0a" * 32])])
def test_cohosts_are_two_at_least_and_named(names: list[str], commitments: list[str]) -> None:
    with pytest.raises(Refused):
        publish.beacon_of("00" * 16, planned(beacon=BeaconKind.COHOSTS), b"o" * 32, names, commitments)


def rules(**eligibility: object) -> Rules:
    made = publish.rules_of("00" * 16, PLAN, PLACE, 5, b"s" * 32, b"k" * 32, DrandBeacon(_CHAIN))
    return msgspec.structs.replace(made, eligibility=msgspec.structs.replace(made.eligibility, **eligibility))


_CHAIN = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
_ASKED = {"commented": True, "joined_team": True, "bought": True, "watched_s": 60}


@pytest.mark.parametrize(
    ("candidate", "code"),
    [
        (Candidate(Role.ANONYMOUS), ErrorCode.SIGN_IN_REQUIRED),
        *((Candidate(role), ErrorCode.DRAW_STAFF) for role in (Role.MODERATOR, Role.HOST, Role.OPERATOR, Role.SERVICE)),
        (Candidate(Role.VIEWER, staff=True), ErrorCode.DRAW_STAFF),
        (Candidate(Role.VIEWER, banned=True), ErrorCode.BANNED),
        (Candidate(Role.VIEWER, muted=True), ErrorCode.MUTED),
        (Candidate(Role.VIEWER, won_lately=True), ErrorCode.DRAW_EXCLUDED),
        (Candidate(Role.VIEWER, facts=Facts(False, True, True, 60)), ErrorCode.DRAW_NOT_ELIGIBLE),
        (Candidate(Role.VIEWER, facts=Facts(True, False, True, 60)), ErrorCode.DRAW_NOT_ELIGIBLE),
        (Candidate(Role.VIEWER, facts=Facts(True, True, False, 60)), ErrorCode.DRAW_NOT_ELIGIBLE),
        (Candidate(Role.VIEWER, facts=Facts(True, True, True, 59)), ErrorCode.DRAW_NOT_ELIGIBLE),
        (Candidate(Role.VIEWER, facts=Facts(True, True, True, 60)), None),
    ],
)
def test_who_may_enter(candidate: Candidate, code: ErrorCode | None) -> None:
    if code is None:
        judge(rules(**_ASKED), candidate)
        return
    with pytest.raises(Refused) as caught:
        judge(rules(**_ASKED), candidate)
    assert caught.value.code is code


@pytest.mark.parametrize(
    ("name", "masked"),
    [("Ann", "A•••"), ("小明", "小•••"), ("e\u0301va", "e\u0301•••"), ("", "•••"), (None, "•••"), (" Bo ", "B•••")],
)
def test_a_name_shows_its_first_sign_alone(name: str | None, masked: str) -> None:
    assert mask(name) == masked


def test_prizes_are_counted_over_all_tiers() -> None:
    tiers = [
        PrizeTier(tier="1", name="Bike", value=1, currency="PLN"),
        PrizeTier(tier="2", name="Cup", quantity=2, value=1, currency="PLN"),
    ]
    made = publish.rules_of("00" * 16, planned(prizes=tiers), PLACE, 5, b"s" * 32, b"k" * 32, DrandBeacon(_CHAIN))
    assert [publish.prize_name(made, prize) for prize in range(3)] == ["Bike", "Cup", "Cup"]
    with pytest.raises(IndexError):
        publish.prize_name(made, 3)
