"""Deals: nothing is oversold, what was acknowledged and paid is found, nobody is refused without reason, each team ends
once, and the money adds up.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .base import Evidence, Finding, Oracle, Source
from .too_late import FINAL, refused_buyers

_MOVING = ("placed", "confirming", "returning")  #: orders whose money is on its way
_AT_ONCE = 16  #: viewers whose seats are read beside each other
_SOLD = ("confirming", "confirmed", "unpaid")


@dataclass(slots=True)
class One:
    """A deal and everything in it, as the server says."""

    deal: dict[str, Any]
    teams: list[dict[str, Any]] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    settlement: list[dict[str, str]] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.deal["id"])

    def under_way(self) -> list[str]:
        teams = sum(team["state"] not in FINAL for team in self.teams)
        orders = sum(order["state"] in _MOVING for order in self.orders)
        told = {f"{teams} teams are not decided": teams, f"{orders} orders have money on its way": orders}
        return [text for text, count in told.items() if count]


@dataclass(slots=True)
class Read:
    deals: list[One] = field(default_factory=list)
    seats: dict[str, dict[str, Any]] = field(default_factory=dict)  #: of viewers who were told that they have one
    log: list[dict[str, Any]] = field(default_factory=list)  #: of the room


class Deals(Oracle):
    name = "deals"

    async def under_way(self, source: Source) -> str:
        found = [text for one in await _deals(source) for text in one.under_way()]
        return ", ".join(found)

    async def read(self, source: Source, evidence: Evidence) -> Read:
        ours = evidence.of_us("seat", "standing")
        read = Read(deals=[one for one in await _deals(source) if ours is None or one.id in ours])
        for one in read.deals:
            one.settlement = await source.settlement(one.id)
        if read.deals:
            read.log = await source.log()
        viewers = {int(note[3]) for note in evidence.notes("seat")}
        gate = asyncio.Semaphore(_AT_ONCE)

        async def of(viewer: int) -> list[dict[str, Any]]:
            async with gate:
                return await source.seats(viewer)

        for seats in await asyncio.gather(*map(of, sorted(viewers))):
            read.seats |= {seat["seat"]: seat for seat in seats}
        return read

    def judge(self, evidence: Evidence, read: Read) -> list[Finding]:
        if not read.deals and not evidence.notes("seat"):
            return []
        return [
            _stock(evidence, read),
            _acked(evidence, read),
            _paid(evidence, read),
            refused_buyers(evidence, read.deals, read.seats, read.log),
            _final(evidence, read),
            _ledger(evidence, read),
        ]


async def _deals(source: Source) -> list[One]:
    found = []
    for deal in await source.deals():
        one = One(deal)
        one.teams = await source.teams(one.id)
        one.orders = await source.orders(one.id)
        found.append(one)
    return found


# -- stock


def _stock(evidence: Evidence, read: Read) -> Finding:
    """By the server's own figures, and by what viewers were told is theirs."""
    wrong: list[str] = []
    sold = stock = 0
    for one in read.deals:
        units = one.deal["terms"].get("units", 1)
        taken = sum(map(_taken, one.teams)) * units
        told = {note[2] for note in evidence.notes("standing") if note[0] == one.id and note[3] == "confirmed"}
        orders = [order for order in one.orders if order["state"] in _SOLD]
        ordered = sum(order["quantity"] for order in orders)
        sold, stock = sold + max(ordered, len(told) * units), stock + one.deal["stock"]
        wrong += _over(one, taken, max(ordered, len(told) * units))
    teams = sum(len(one.teams) for one in read.deals)
    return Finding(
        name="no deal is oversold",
        ok=not wrong,
        text=f"{len(read.deals)} deals, {teams} teams: {sold} of {stock} units sold",
        examples=wrong[:10],
    )


def _over(one: One, taken: int, sold: int) -> Iterable[str]:
    stock, left = one.deal["stock"], one.deal["left"]
    if sold > stock:
        yield f"deal {one.id}: {sold} units sold of {stock}"
    if left < 0 or taken + left > stock or (taken + left < stock and not one.under_way()):
        yield f"deal {one.id}: {taken} in teams and {left} left, of {stock}"
    for team in one.teams:
        seats = team.get("held", 0) + team.get("paid", 0) + team.get("waived", 0)
        if seats > team["size"]:
            yield f"team {team['id']}: {seats} seats of {team['size']}"


def _taken(team: dict[str, Any]) -> int:
    """Seats for which a team has units."""
    if team["state"] in ("forming", "settling"):
        return int(team["size"] - team.get("waived", 0))
    return int(team.get("paid", 0)) if team["state"] == "complete" else 0


# -- what was acknowledged


def _acked(evidence: Evidence, read: Read) -> Finding:
    """Seats in their owners' reads; payments that viewers were told of, in the orders."""
    acked = evidence.notes("seat")
    lost = [note for note in acked if note[2] not in read.seats]
    moved = [note for note in acked if note[2] in read.seats and read.seats[note[2]]["team"]["id"] != note[1]]
    twice = len(acked) - len({note[2] for note in acked})
    ordered = {order["order"] for one in read.deals for order in one.orders}
    paid = {note[2] for note in evidence.notes("standing") if note[3] in ("paid", "confirmed")}
    unpaid = paid - ordered
    left = {note[1] for note in evidence.notes("left")}
    kept = [seat for seat in left if read.seats.get(seat, {}).get("state", "released") != "released"]
    return Finding(
        name="every acknowledged seat and payment is found again",
        ok=not (lost or moved or twice or unpaid or kept),
        text=f"{len(acked)} seats acknowledged: {len(lost)} lost, {len(moved)} in another team, {twice} given twice; "
        f"{len(paid)} told paid, {len(unpaid)} without an order; {len(left)} given back, {len(kept)} still held",
        examples=[f"seat lost: {note[2]} of team {note[1]}" for note in lost[:5]]
        + [f"paid, and no order: {seat}" for seat in sorted(unpaid)[:5]],
    )


def _paid(evidence: Evidence, read: Read) -> Finding:
    """Money that the provider took has an order, or a line of the settlement if it went back; its buyer was told."""
    paid = {note[1] for note in evidence.notes("checkout")}
    kept = {order["order"] for one in read.deals for order in one.orders}
    kept |= {row["seat_id"] for one in read.deals for row in one.settlement}
    away = {number for account in evidence.accounts for number in account.away}
    there = {note[2] for note in evidence.notes("seat") if note[3] not in away}
    told = {note[2] for note in evidence.notes("standing") if note[5] is not None}
    lost = sorted(paid - kept)
    # What is under way when a run is cut short, or on its way through what is broken, nobody need have heard yet.
    untold = [] if evidence.faults or evidence.cut_short else sorted((paid & there & kept) - told)
    ok = None if lost and evidence.cut_short else not (lost or untold)
    return Finding(
        name="every payment that was taken is kept, and its buyer told",
        ok=ok,
        text=f"{len(paid)} taken by the provider: {len(lost)} lost, {len(untold)} of which the buyer never heard",
        examples=[f"lost: {seat}" for seat in lost[:5]] + [f"not told: {seat}" for seat in untold[:5]],
    )


# -- how teams end


def _final(evidence: Evidence, read: Read) -> Finding:
    told: defaultdict[str, set[str]] = defaultdict(set)
    for note in evidence.notes("standing"):
        if note[4] in FINAL:
            told[note[1]].add(note[4])
    states = {team["id"]: team["state"] for one in read.deals for team in one.teams}
    wrong = [f"team {team}: told {', '.join(sorted(ends))}, and read {states.get(team, 'nothing')}"
             for team, ends in told.items() if not _agree(ends, states.get(team, ""))]  # fmt: skip
    wrong += [
        f"seat {seat['seat']} is {seat['state']} in a team that is {seat['team']['state']}"
        for seat in read.seats.values()
        if not _fits(seat)
    ]
    ours = {note[1] for note in evidence.notes("seat")}  # in a real room others open teams, which may outlive the run
    open_ones = [team for team, state in states.items()
                 if state not in FINAL and (evidence.rehearsal or team in ours)]  # fmt: skip
    ends = ", ".join(f"{sum(each == state for each in states.values())} {state}" for state in FINAL)
    undecided = None if evidence.cut_short else False
    return Finding(
        name="each team has one end",
        ok=False if wrong else undecided if open_ones else True,
        text=f"{len(states)} teams: {ends}, {len(open_ones)} not decided; {len(wrong)} that do not agree",
        examples=wrong[:10] + [f"not decided: {team}" for team in open_ones[:5]],
    )


def _agree(told: set[str], read: str) -> bool:
    """A complete team may be voided with its deal; nothing else ends twice."""
    return told == {read} or (read == "voided" and told <= {"complete", "voided"})


def _fits(seat: dict[str, Any]) -> bool:
    state, team = str(seat["state"]), str(seat["team"]["state"])
    if team == "complete":
        return state in ("confirmed", "released")
    return state == "released" if team in ("expired", "voided") else state != "confirmed"


# -- money


def _ledger(evidence: Evidence, read: Read) -> Finding:
    wrong: list[str] = []
    sold = lines = 0
    ours = {note[2] for note in evidence.notes("seat")}
    moving = [order["order"] for one in read.deals for order in one.orders
              if order["state"] in _MOVING and (evidence.rehearsal or order["order"] in ours)]  # fmt: skip
    for one in read.deals:
        if not one.settlement:
            continue
        *rows, total = one.settlement
        lines, sold = lines + len(rows), sold + int(total["sold"] or 0)
        wrong += _sums(one, rows, total, settled=not one.under_way())
    return Finding(
        name="the ledger closes",
        ok=False if wrong else (None if evidence.cut_short else False) if moving else True,
        text=f"{lines} payments, {sold} minor units sold, {len(moving)} orders with money on its way",
        examples=wrong[:10],
    )


def _sums(one: One, rows: list[dict[str, str]], total: dict[str, str], *, settled: bool) -> Iterable[str]:
    """The lines make the total; what is held in the end is what was sold, order by order."""
    for name in ("captured", "refunded", "net", "sold"):
        found = sum(int(row[name] or 0) for row in rows)
        if found != int(total[name] or 0):
            yield f"deal {one.id}: the lines of `{name}` make {found}, and the total says {total[name]}"
    for row in rows:
        if int(row["net"]) != int(row["captured"]) - int(row["refunded"]) or int(row["net"]) < 0:
            yield f"payment {row['payment_id']}: {row['captured']} less {row['refunded']} is not {row['net']}"
    price = {
        order["order"]: order["price"] - order.get("given_back", 0)
        for order in one.orders
        if order["state"] == "confirmed"
    }
    paid: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        paid[row["seat_id"]] += int(row["sold"])
    for seat in {*price, *(seat for seat, amount in paid.items() if amount)}:
        if paid[seat] != price.get(seat, 0):
            yield f"order {seat}: sold at {price.get(seat, 0)}, and {paid[seat]} in the settlement"
    if settled and int(total["net"] or 0) != int(total["sold"] or 0):
        yield f"deal {one.id}: {total['net']} kept, and {total['sold']} sold"
