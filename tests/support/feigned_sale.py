"""FeignedSale: group buys and draws of the feigned server, in memory, with the rules that the load test judges.

Draws are real ones: their proofs are computed as the protocol says, so that
the checker finds nothing where nothing is planted.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from livestream.protocol import commands as c
from livestream.protocol import draws as d
from livestream.protocol import groupbuy as g
from livestream.protocol.errors import ErrorCode
from livestream.protocol.event import Event
from livestream.protocol.replies import Announced, AnyReply, Claimed, Entered, Error, Ok, PayAt, Posted, Seated
from lottery.entry import Entry, entry_id
from lottery.proof import Proof
from tests.support import draws

from .plants import Plant

PRICE = 800
_ENOUGH = 4  #: entries of a draw, where later ones are refused


@dataclass
class Place:
    """A seat."""

    id: str
    who: str
    state: g.SeatState = g.SeatState.HELD
    order: g.OrderState | None = None


@dataclass
class Team:
    id: str
    size: int
    state: g.TeamState = g.TeamState.FORMING
    places: list[Place] = field(default_factory=list)

    @property
    def live(self) -> list[Place]:
        return [each for each in self.places if each.state is not g.SeatState.RELEASED]


@dataclass
class Raffle:
    """A draw."""

    plan: draws.Plan
    view: d.Draw
    entrants: dict[str, int] = field(default_factory=dict)  #: who, and their number
    lost: set[int] = field(default_factory=set)
    proof: Proof | None = None
    claimed: set[str] = field(default_factory=set)  #: entries


class FeignedSale:
    """One deal and some draws.

    Args:
        plant: says what is broken now.
        new_id: makes ids.
        page: address of the page for a seat.
    """

    def __init__(self, plant: Callable[[], Plant], new_id: Callable[[], str], page: Callable[[str], str]) -> None:
        self._plant = plant
        self._new_id = new_id
        self._page = page
        self.news: list[Event] = []  #: for the room log
        self.live: list[Event] = []
        self.notices: list[tuple[str, Event]] = []
        self.deal: g.Deal | None = None
        self.teams: dict[str, Team] = {}
        self.raffles: dict[str, Raffle] = {}
        self.joins = self.payments = 0
        self.quiet = ""  #: the seat whose owner is told nothing

    def command(self, who: str, command: object) -> AnyReply | None:
        """None: it is no command of a sale."""
        match command:
            case c.OpenDeal():
                return self._open_deal(command)
            case c.CloseDeal():
                return self._close_deal(command)
            case c.OpenTeam():
                return self._open_team(who, command)
            case c.JoinTeam():
                return self._join_team(who, command)
            case c.PaySeat():
                return self._pay_at(command)
            case c.LeaveTeam():
                return self._leave(command)
            case c.CreateDraw():
                return self._create(command)
            case c.OpenDraw():
                return self._open(command)
            case c.EnterDraw():
                return self._enter(who, command)
            case c.CloseDraw():
                return self._close(command)
            case c.ClaimPrize():
                return self._claim(who, command)
        return None

    # -- group buys

    def _open_deal(self, command: c.OpenDeal) -> AnyReply:
        terms = g.DealTerms(single_price=1000, steps=command.steps, life_s=command.life_s)
        self.deal = g.Deal(
            id=self._new_id(), product=command.product, title="Cup", state=g.DealState.OPEN, currency="EUR",
            terms=terms, stock=command.stock,
        )  # fmt: skip
        self.news.append(g.DealOpened(deal=self.deal))
        return Posted(ref=command.ref, id=self.deal.id)

    def _close_deal(self, command: c.CloseDeal) -> AnyReply:
        assert self.deal is not None
        self.deal = msgspec.structs.replace(self.deal, state=g.DealState.CLOSED)
        self.news.append(g.DealClosed(id=self.deal.id))
        for team in self.teams.values():
            if team.state is g.TeamState.FORMING:
                self._end(team, g.TeamState.EXPIRED, g.SeatState.RELEASED, g.OrderState.RETURNED)
        complete = [team for team in self.teams.values() if team.state is g.TeamState.COMPLETE]
        if self._plant() is Plant.ENDS_A_TEAM_TWICE and complete:
            team, place = complete[0], complete[0].places[0]
            view = msgspec.structs.replace(self._view(team), state=g.TeamState.EXPIRED)
            own = msgspec.structs.replace(self._own(team, place), team=view)
            self.notices.append((place.who, g.YourTeam(own=own)))
        return Ok(ref=command.ref)

    @property
    def left(self) -> int:
        assert self.deal is not None
        taken = sum(team.size if team.state is g.TeamState.FORMING else len(team.live) for team in self.teams.values())
        return self.deal.stock - taken

    def _open_team(self, who: str, command: c.OpenTeam) -> AnyReply:
        assert self.deal is not None
        size, spare = self.deal.terms.steps[-1].people, int(self._plant() is Plant.OVERSELLS_BY_ONE)
        if self.deal.state is not g.DealState.OPEN:
            return Error(ref=command.ref, code=ErrorCode.DEAL_CLOSED, text="closed")
        shut = self._plant() is Plant.SAYS_SOLD_OUT and self.teams
        if shut or self.left + spare < size:
            return Error(ref=command.ref, code=ErrorCode.SOLD_OUT, text="sold out")
        team = Team(self._new_id(), size)
        self.teams[team.id] = team
        return self._sit(who, team, command.ref)

    def _join_team(self, who: str, command: c.JoinTeam) -> AnyReply:
        wanted = command.team or (command.invite or "")[-13:]
        team = self.teams[wanted]
        if team.state is not g.TeamState.FORMING:
            return Error(ref=command.ref, code=ErrorCode.TEAM_CLOSED, text="closed")
        if len(team.live) >= team.size:
            return Error(ref=command.ref, code=ErrorCode.TEAM_FULL, text="full")
        if any(each.who == who for each in team.live):
            return Error(ref=command.ref, code=ErrorCode.TEAM_MEMBER, text="in already")
        return self._sit(who, team, command.ref)

    def _sit(self, who: str, team: Team, ref: int) -> AnyReply:
        place = Place(self._new_id(), who)
        team.places.append(place)
        self.joins += 1
        reply = Seated(ref=ref, own=self._own(team, place))
        if self._plant() is Plant.LOSES_A_SEAT and self.joins == 3:
            team.places.remove(place)
        elif len(team.live) == team.size - 1:
            assert self.deal is not None
            self.live.append(g.SeatLeft(deal=self.deal.id, team=team.id, deadline=_now() + 60_000))
        return reply

    def _leave(self, command: c.LeaveTeam) -> AnyReply:
        for team, place in self._places():
            if place.id == command.seat and team.state is g.TeamState.FORMING:
                place.state = g.SeatState.RELEASED
                return Ok(ref=command.ref)
        return Error(ref=command.ref, code=ErrorCode.SEAT_NOT_FOUND, text="no such seat")

    def _pay_at(self, command: c.PaySeat) -> AnyReply:
        team = next((team for team, place in self._places() if place.id == command.seat), None)
        if team is not None and team.state is not g.TeamState.FORMING:
            return Error(ref=command.ref, code=ErrorCode.TEAM_CLOSED, text="closed")
        return PayAt(ref=command.ref, url=self._page(command.seat), expires_at=_now() + 60_000, amount=PRICE)

    def pay(self, seat: str) -> bool:
        """Somebody pressed `pay` on the page; was the money taken?"""
        found = next((each for each in self._places() if each[1].id == seat), None)
        if found is None or found[1].state is not g.SeatState.HELD:
            return False
        team, place = found
        self.payments += 1
        if self._plant() is Plant.TAKES_AND_FORGETS and self.payments == 2:
            return True
        if self._plant() is Plant.KEEPS_A_PAYMENT_QUIET and self.payments == 2:
            self.quiet = seat
        place.state, place.order = g.SeatState.PAID, g.OrderState.PLACED
        self._notify(team, place)
        if self._plant() is Plant.LOSES_A_PAYMENT and self.payments == 2:
            place.state, place.order = g.SeatState.HELD, None
        if [each.state for each in team.live] == [g.SeatState.PAID] * team.size:
            self._end(team, g.TeamState.COMPLETE, g.SeatState.CONFIRMED, g.OrderState.CONFIRMED)
        return True

    def _notify(self, team: Team, place: Place) -> None:
        if place.id != self.quiet:
            self.notices.append((place.who, g.YourTeam(own=self._own(team, place))))

    def _end(self, team: Team, state: g.TeamState, seats: g.SeatState, orders: g.OrderState) -> None:
        team.state = state
        for place in team.live:
            place.state, place.order = seats, orders if place.order else None
            self._notify(team, place)

    def _places(self) -> Iterator[tuple[Team, Place]]:
        return ((team, place) for team in self.teams.values() for place in team.places)

    def _view(self, team: Team) -> g.TeamView:
        assert self.deal is not None
        states = [each.state for each in team.live]
        held = states.count(g.SeatState.HELD)
        return g.TeamView(
            id=team.id, deal=self.deal.id, state=team.state, size=team.size, held=held, paid=len(states) - held,
            deadline=_now() + 60_000,
        )  # fmt: skip

    def _own(self, team: Team, place: Place) -> g.OwnSeat:
        return g.OwnSeat(
            seat=place.id, at=_now(), team=self._view(team), state=place.state, leader=place is team.places[0],
            invite="invite---" + team.id, amount=PRICE, order=place.order,
        )  # fmt: skip

    def deals(self) -> list[dict[str, Any]]:
        if self.deal is None:
            return []
        return [{**msgspec.to_builtins(self.deal), "left": max(0, self.left), "seats_free": 0}]

    def team_views(self) -> list[dict[str, Any]]:
        return [msgspec.to_builtins(self._view(team)) for team in self.teams.values()]

    def seats(self, who: str) -> list[dict[str, Any]]:
        return [msgspec.to_builtins(self._own(team, place)) for team, place in self._places() if place.who == who]

    def orders(self) -> list[dict[str, Any]]:
        return [
            {"order": place.id, "team": team.id, "state": str(place.order), "quantity": 1, "price": PRICE}
            for team, place in self._places()
            if place.order
        ]

    def settlement(self) -> bytes:
        out = io.StringIO()
        table = csv.writer(out)
        table.writerow(("payment_id", "seat_id", "captured", "refunded", "net", "sold"))
        sums = [0, 0, 0, 0]
        for order in self.orders():
            sold = PRICE if order["state"] == "confirmed" else 0
            taken = sold + int(self._plant() is Plant.TAKES_TOO_MUCH and sold > 0)
            row = [taken, 0, taken, sold]
            table.writerow((f"p{order['order']}", order["order"], *row))
            sums = [total + value for total, value in zip(sums, row, strict=True)]
        table.writerow(("total", "", *sums))
        return out.getvalue().encode()

    # -- draws

    def _create(self, command: c.CreateDraw) -> AnyReply:
        plan = draws.Plan(name=self._new_id(), viewers=0, prizes=[("Bike", 1), ("Cup", 2)], reserves=1)
        view = d.Draw(
            id=plan.draw_id.hex(), title=command.plan.title, state=d.DrawState.ANNOUNCED, prizes=command.plan.prizes,
            entry=command.plan.entry, password=command.plan.password, beacon=d.BeaconKind.RECORDED,
        )  # fmt: skip
        self.raffles[view.id] = Raffle(plan, view)
        self.news.append(d.DrawAnnounced(draw=view))
        return Announced(ref=command.ref, draw=view.id)

    def _open(self, command: c.OpenDraw) -> AnyReply:
        raffle = self.raffles[command.draw]
        if self._plant() is Plant.NEVER_OPENS_A_DRAW:
            return Ok(ref=command.ref)
        raffle.view = msgspec.structs.replace(raffle.view, state=d.DrawState.OPEN)
        self.news.append(d.DrawOpened(draw=raffle.view))
        return Ok(ref=command.ref)

    def _enter(self, who: str, command: c.EnterDraw) -> AnyReply:
        raffle = self.raffles[command.draw]
        early = self._plant() is Plant.SHUTS_A_DRAW_EARLY and len(raffle.entrants) >= _ENOUGH
        if early or raffle.view.state is not d.DrawState.OPEN:
            return Error(ref=command.ref, code=ErrorCode.DRAW_NOT_OPEN, text="not open")
        return Entered(ref=command.ref, receipt=self._receipt(raffle, who))

    def password(self, who: str, text: str) -> d.DrawReceipt | None:
        """A comment was written: is it an entry?"""
        for raffle in self.raffles.values():
            if raffle.view.state is d.DrawState.OPEN and raffle.view.password == text:
                deaf = self._plant() is Plant.OVERHEARS_PASSWORDS and len(raffle.entrants) >= _ENOUGH
                return None if deaf else self._receipt(raffle, who)
        return None

    def _receipt(self, raffle: Raffle, who: str) -> d.DrawReceipt:
        number = raffle.entrants.setdefault(who, len(raffle.entrants) + 1)
        if self._plant() is Plant.LOSES_AN_ENTRY and number == 2:
            raffle.lost.add(number)
        return d.DrawReceipt(**msgspec.structs.asdict(draws.receipt_of(raffle.plan, number)))

    def _close(self, command: c.CloseDraw) -> AnyReply:
        raffle = self.raffles[command.draw]
        if self._plant() is Plant.NEVER_CLOSES_A_DRAW or raffle.view.state is not d.DrawState.OPEN:
            return Ok(ref=command.ref)
        entries = {entry_id(raffle.plan.salt, f"viewer-{number}").hex(): who for who, number in raffle.entrants.items()
                   if number not in raffle.lost}  # fmt: skip
        proof = draws.drawn(raffle.plan, tuple(Entry(each, 1) for each in sorted(entries)))
        winners = draws.drawing_of(proof).winners
        if self._plant() is Plant.PICKS_A_WRONG_WINNER:
            others = [each for each in entries if each not in winners]
            winners = (others[0], *winners[1:]) if others else winners[::-1]
            proof = draws.replaced(proof, drawing=draws.replaced(draws.drawing_of(proof), winners=winners))
        told = winners[::-1] if self._plant() is Plant.ANNOUNCES_OTHERS else winners
        raffle.proof = proof
        self._tell(raffle, told)
        for prize, each in enumerate(winners):
            won = d.YouWon(draw=raffle.view.id, title="", prize=prize, prize_title="", claim_until=_now() + 60_000)
            self.notices.append((entries[each], won))
        return Ok(ref=command.ref)

    def _tell(self, raffle: Raffle, winners: tuple[str, ...]) -> None:
        proof, draw = raffle.proof, raffle.view.id
        assert proof is not None
        assert proof.closing is not None
        assert proof.drawing is not None
        assert proof.closing.root is not None
        told = [d.DrawWinner(prize=prize, place=prize, entry=each, name="A…") for prize, each in enumerate(winners)]
        self.news += [
            d.DrawClosed(draw=draw, closed_at=_now(), round=proof.closing.round),
            d.DrawRooted(draw=draw, root=proof.closing.root, entries=proof.closing.count,
                         weight=proof.closing.total_weight, at=_now()),
            d.DrawDrawn(draw=draw, value=proof.drawing.beacon, seed=proof.drawing.seed, winners=told,
                        claim_until=_now() + 60_000),
        ]  # fmt: skip
        raffle.view = msgspec.structs.replace(raffle.view, state=d.DrawState.DRAWN)

    def _claim(self, who: str, command: c.ClaimPrize) -> AnyReply:
        raffle = self.raffles[command.draw]
        if self._plant() is Plant.REFUSES_CLAIMS:
            return Error(ref=command.ref, code=ErrorCode.CLAIM_LATE, text="too late")
        if self._plant() is not Plant.LOSES_A_CLAIM:
            raffle.claimed.add(entry_id(raffle.plan.salt, f"viewer-{raffle.entrants[who]}").hex())
        return Claimed(ref=command.ref, delete_at=_now() + 60_000)

    def history(self) -> list[dict[str, Any]]:
        opened = [each.view for each in self.raffles.values() if each.view.state is not d.DrawState.ANNOUNCED]
        return [msgspec.to_builtins(each) for each in opened]

    def proof(self, draw: str) -> bytes:
        return msgspec.json.encode(self.raffles[draw].proof)

    def claims(self, draw: str) -> bytes:
        rows = [f"{each},claimed" for each in sorted(self.raffles[draw].claimed)]
        return "\n".join(["entry,state", *rows, ""]).encode()


def _now() -> int:
    return time.time_ns() // 1_000_000
