"""Group buys on the wire: deals, teams, seats and orders as viewers and staff see them, and what happens to them."""

from __future__ import annotations

import enum
from typing import Annotated

import msgspec
from msgspec import Meta

from . import limits, types
from .event import Event
from .personal import Mark, Tells

Invite = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]{22}$(?!\n)",
        description="128 random bits that let somebody into a team for as long as it takes members.",
    ),
]
People = Annotated[int, Meta(ge=limits.TEAM_LEAST, le=limits.TEAM_MOST, description="Members of a team.")]
Price = Annotated[int, Meta(ge=1, le=limits.PRICE_MOST, description="Minor units of the deal's currency, for a seat.")]
Units = Annotated[int, Meta(ge=1, le=limits.UNITS_MOST)]
LifeS = Annotated[
    int, Meta(ge=limits.TEAM_LIFE_LEAST_S, le=limits.TEAM_LIFE_MOST_S, description="Seconds that a team has to fill.")
]
HoldS = Annotated[
    int, Meta(ge=limits.HOLD_LEAST_S, le=limits.HOLD_MOST_S, description="Seconds that a seat is held before payment.")
]


class DealState(enum.StrEnum):
    OPEN = "open"  #: teams may be opened
    PAUSED = "paused"  #: no new teams; those that form go on
    CLOSED = "closed"  #: over: no new teams; those that form go on to their own deadlines
    VOIDED = "voided"  #: taken back: everybody's money goes back


RUNNING = frozenset({DealState.OPEN, DealState.PAUSED})


class TeamState(enum.StrEnum):
    FORMING = "forming"  #: takes members until its deadline
    SETTLING = "settling"  #: the deadline is past, payments are under way: for 30 s the provider is asked
    COMPLETE = "complete"  #: reached a step; its orders are confirmed
    EXPIRED = "expired"  #: did not; money goes back
    VOIDED = "voided"  #: the shop took the deal back; money goes back


class SeatState(enum.StrEnum):
    HELD = "held"  #: kept for a viewer until the hold ends
    PAYING = "paying"  #: the payment has begun; the hold was extended, once
    PAID = "paid"  #: the money is held or taken; the team still forms
    CONFIRMED = "confirmed"  #: the team is complete
    RELEASED = "released"  #: left, ran out, or the team failed


class OrderState(enum.StrEnum):
    PLACED = "placed"  #: paid; waits for the team
    CONFIRMING = "confirming"  #: the team is complete; the price is being taken
    CONFIRMED = "confirmed"  #: the price was taken
    UNPAID = "unpaid"  #: the money could not be taken: 24 h to pay again
    LAPSED = "lapsed"  #: nobody paid in that time, or the deal was taken back in it; the units are free again
    RETURNING = "returning"  #: the money goes back
    RETURNED = "returned"  #: the money is back


class DealStep(msgspec.Struct, frozen=True, kw_only=True):
    """What a seat costs from so many members on."""

    people: People
    price: Price


class DealTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The rules for teams opened from now on; a team keeps those it was opened under."""

    version: int = 1
    single_price: types.Amount  #: of one who buys alone, in the shop
    steps: list[DealStep]  #: rising people, falling prices; the last is a full team
    leader_discount: types.Amount = 0  #: off the leader's price
    units: int = 1  #: of the product in one seat
    life_s: int  #: how long a team has
    per_viewer: int = 1  #: seats one viewer may buy
    new_only: bool = False  #: only people who never bought here may join a team; anyone may open one


class Deal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A group buy as everybody sees it."""

    id: types.Id
    product: types.ProductId
    variant: types.ProductId | None = None
    title: str
    state: DealState
    currency: types.Currency
    exponent: types.Exponent = 2
    tax_included: bool = True
    terms: DealTerms
    closes_at: types.Millis | None = None
    stock: int  #: units at the start
    sold_out: bool = False  #: for now: a team that fails gives its units back
    why: str | None = None  #: why it was taken back
    reference: str | None = None  #: the shop's own number of it


class TeamView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A team as anyone may see it."""

    personal = (Tells("id", Mark.TEAM, ("names",)),)

    id: types.Id
    deal: types.Id
    state: TeamState
    size: int
    held: int = 0  #: seats kept for people who have not paid yet
    paid: int = 0
    waived: int = 0  #: seats that the shop filled by itself
    deadline: types.Millis
    names: list[str] = []  #: of members who chose to be seen, leader first
    price: int | None = None  #: what a seat costs in the end, once it is complete


class OwnSeat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A viewer's own seat, with the team and what became of the money."""

    seat: types.Id
    at: types.Millis  #: as of when, by the room's clock, which stands still in a break; older news change nothing
    team: TeamView
    state: SeatState
    leader: bool = False
    invite: Invite | None = None  #: while the team forms
    hold_until: types.Millis | None = None  #: pay before it
    amount: types.Amount  #: at most; what is taken in the end is the price of the step reached
    order: OrderState | None = None
    price: types.Amount | None = None  #: what the order costs, once that is known
    given_back: types.Amount = 0  #: of the price, after it was confirmed
    repay_until: types.Millis | None = None  #: an unpaid order lapses then
    why: str | None = None  #: why the seat was released


# -- the room log


class DealOpened(Event, frozen=True, tag="deal_opened"):
    """A group buy began."""

    deal: Deal


class DealChanged(Event, frozen=True, tag="deal_changed"):
    """It was paused, resumed, edited or extended, is sold out, or has units again."""

    deal: Deal


class DealClosed(Event, frozen=True, tag="deal_closed"):
    """No more teams. Voided: the shop took it back and everybody's money goes back."""

    id: types.Id
    voided: bool = False
    why: str | None = None


class TeamWaived(Event, frozen=True, tag="team_waived"):
    """The shop filled seats of a team by itself: everyone may know it was not people."""

    deal: types.Id
    team: types.Id
    seats: types.Count
    why: str


# -- the live lane


class TeamCompleted(Event, frozen=True, tag="team_completed"):
    """A team is complete."""

    deal: types.Id
    people: int
    names: list[str] = msgspec.field(default_factory=list)


class SeatLeft(Event, frozen=True, tag="seat_left"):
    """A team that anyone may join needs one more."""

    deal: types.Id
    team: types.Id
    deadline: types.Millis


class TeamsLeftOut(Event, frozen=True, tag="teams_left_out"):
    """In a rush the newest few notices of teams are told: so many older ones were left out, of all deals."""

    count: types.Count


# -- notices


class YourTeam(Event, frozen=True, tag="your_team"):
    """Something changed about your seat, its team or its order: this is how it stands."""

    own: OwnSeat


GroupBuyLogEvent = DealOpened | DealChanged | DealClosed | TeamWaived
GroupBuyLiveEvent = TeamCompleted | SeatLeft | TeamsLeftOut
GroupBuyNotice = YourTeam
GROUPBUY_PARTS: tuple[type[msgspec.Struct], ...] = (DealStep, DealTerms, Deal, TeamView, OwnSeat)
GROUPBUY_EVENTS: tuple[type[Event], ...] = (
    DealOpened, DealChanged, DealClosed, TeamWaived, TeamCompleted, SeatLeft, TeamsLeftOut, YourTeam,
)  # fmt: skip
GROUPBUY_LOG_EVENTS = (DealOpened, DealChanged, DealClosed, TeamWaived)


def evolve_deals(deals: tuple[Deal, ...], event: GroupBuyLogEvent) -> tuple[Deal, ...]:
    """A room's deals after one event, newest last: all that run, and as many that ended as there is room for, so that
    a page can say how they ended."""
    match event:
        case DealOpened(deal=new):
            return _fitting((*(each for each in deals if each.id != new.id), new))
        case DealChanged(deal=changed):
            return tuple(changed if each.id == changed.id else each for each in deals)
        case DealClosed(id=ended, voided=voided, why=why):
            state = DealState.VOIDED if voided else DealState.CLOSED
            return tuple(
                msgspec.structs.replace(each, state=state, why=why) if each.id == ended else each for each in deals
            )
    return deals


def _fitting(deals: tuple[Deal, ...]) -> tuple[Deal, ...]:
    """Those that ended go first, the oldest before all; more can never run than are kept."""
    over = [each.id for each in deals if each.state not in RUNNING]
    gone = over[: max(0, len(deals) - limits.SNAPSHOT_DEALS)]
    return tuple(each for each in deals if each.id not in gone)


def deal_later(deal: Deal, shifted_ms: int) -> Deal:
    """A break of the room is over: what is still open closes later by as much."""
    if deal.closes_at is None or deal.state not in RUNNING:
        return deal
    return msgspec.structs.replace(deal, closes_at=deal.closes_at + shifted_ms)
