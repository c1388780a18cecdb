"""Publish: from what a host planned to the rules that everybody reads. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from livestream.protocol import limits
from livestream.protocol.draws import BeaconKind, Draw, DrawPlan, DrawState, EntryKind
from livestream.protocol.errors import ErrorCode, Refused

from . import quicknet
from .canonical import canonical
from .recorded import RECORDED
from .rules import (
    Beacon,
    Cohost,
    CohostsBeacon,
    DrandBeacon,
    Eligibility,
    EntryBy,
    Exclusions,
    Freeze,
    Prize,
    RecordedBeacon,
    Rules,
    Weights,
)

SERVER = "server"  #: name of the first co-host
_RESERVES = 20  #: beyond one for every prize


@dataclass(frozen=True, slots=True)
class Place:
    """The room in which a draw is held."""

    title: str
    rehearsal: bool
    teams: bool  #: there is something that knows who joined a team


def check(plan: DrawPlan, place: Place) -> None:
    """Raises:
    Refused: DRAW_RULES_REFUSED, with the reason.
    """
    if (plan.entry is EntryKind.PASSWORD) is not (plan.password is not None):
        raise _refused("a password belongs to entry by password, and only to it")
    if units(plan) > limits.DRAW_PRIZES:
        raise _refused(f"more than {limits.DRAW_PRIZES} prizes")
    if (plan.needs.bought or plan.weights.bought) and not plan.law_read:
        raise _refused("a draw that favours buyers is a lottery under many countries' law: confirm that you know")
    if (plan.needs.team or plan.weights.team) and not place.teams:
        raise _refused("nothing here knows of teams")
    if plan.beacon is BeaconKind.RECORDED and not place.rehearsal:
        raise _refused("recorded rounds prove nothing: they are for rehearsals")


def units(plan: DrawPlan) -> int:
    """How many single prizes there are."""
    return sum(tier.quantity for tier in plan.prizes)


def rules_of(
    draw_id: str, plan: DrawPlan, place: Place, closes_at: int, salt_hash: bytes, shop_key: bytes, beacon: Beacon
) -> Rules:
    """The rules, as they are published and never change."""
    return Rules(
        protocol="LTD1",
        draw_id=draw_id,
        room=place.title,
        title=plan.title,
        prizes=tuple(
            Prize(each.tier, each.name, each.quantity, each.value, each.currency, each.exponent) for each in plan.prizes
        ),
        reserves=units(plan) + _RESERVES,
        entry=EntryBy(plan.entry),
        password=plan.password,
        eligibility=Eligibility(plan.needs.commented, plan.needs.team, plan.needs.bought, plan.needs.watched_s),
        weights=Weights(
            base=1,
            commented=plan.weights.commented,
            joined_team=plan.weights.team,
            bought=plan.weights.bought,
            watched=plan.weights.watched,
            watched_step_s=plan.weights.watched_step_s,
            watched_most=plan.weights.watched_most,
        ),
        exclude=Exclusions(True, plan.exclude_winners_of),
        latest_close_ms=closes_at,
        freeze=Freeze.SHIFT,
        beacon=beacon,
        rehearsal=place.rehearsal,
        organiser=plan.organiser,
        terms=plan.terms,
        region=plan.region,
        minimum_age=plan.minimum_age,
        claim_s=plan.claim_s,
        salt_hash=salt_hash.hex(),
        shop_key=shop_key.hex(),
    )


def beacon_of(draw_id: str, plan: DrawPlan, own: bytes, names: Sequence[str], commitments: Sequence[str]) -> Beacon:
    """The beacon that the rules name.

    Args:
        own: the server's commitment, for co-hosts.
        names, commitments: of the other co-hosts, as many of each.

    Raises:
        Refused: DRAW_RULES_REFUSED, there is no second co-host, or one for a beacon that has none.
    """
    if plan.beacon is not BeaconKind.COHOSTS and commitments:
        raise _refused("only co-hosts commit to anything")
    if plan.beacon is BeaconKind.DRAND:
        return DrandBeacon(quicknet.CHAIN)
    if plan.beacon is BeaconKind.RECORDED:
        rounds = sorted(RECORDED)
        return RecordedBeacon(rounds[int(draw_id, 16) % len(rounds)])
    if not commitments or len(commitments) != len(names):
        raise _refused("at least one co-host beside the server commits to a secret, by name")
    cohosts = [Cohost(SERVER, own.hex()), *map(Cohost, names, commitments)]
    if len({each.commitment for each in cohosts}) < len(cohosts):
        raise _refused("two co-hosts commit to the same")
    return CohostsBeacon(tuple(cohosts), 60)


def announced(draw_id: str, plan: DrawPlan) -> Draw:
    """The draw as it stands in the queue."""
    return Draw(
        id=draw_id,
        title=plan.title,
        state=DrawState.ANNOUNCED,
        prizes=plan.prizes,
        entry=plan.entry,
        password=plan.password,
        needs=plan.needs,
        beacon=plan.beacon,
        by_hand=plan.seconds is None,
    )


def opened(draw: Draw, rules: Rules, hash: bytes, now_ms: int) -> Draw:
    """The draw as it is shown from its opening on."""
    return msgspec.structs.replace(
        draw,
        state=DrawState.OPEN,
        rules=canonical(msgspec.to_builtins(rules)).decode(),
        rules_hash=hash.hex(),
        opened_at=now_ms,
        closes_at=rules.latest_close_ms,
        parties=[each.name for each in rules.beacon.cohosts] if isinstance(rules.beacon, CohostsBeacon) else [],
    )


def tier_of(rules: Rules, prize: int) -> Prize:
    """The tier of one of the prizes, counted from 0 over all tiers."""
    for tier in rules.prizes:
        if prize < tier.quantity:
            return tier
        prize -= tier.quantity
    raise IndexError(prize)


def prize_name(rules: Rules, prize: int) -> str:
    """What is won with it."""
    return tier_of(rules, prize).name


def _refused(why: str) -> Refused:
    return Refused(ErrorCode.DRAW_RULES_REFUSED, why)
