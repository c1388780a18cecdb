"""Deal: a group buy and its rules. Pure.

    OPEN <--resume/pause--> PAUSED
       \\------close--------> CLOSED
    any of them --void----> VOIDED

Rules have a version: an edit makes the next one, and a team keeps the one it was opened under.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from livestream.protocol.commands import ChangeDeal
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.groupbuy import RUNNING, DealState, DealStep, DealTerms
from livestream.protocol.groupbuy import Deal as DealView

from . import pricing


@dataclass(frozen=True, slots=True)
class Terms:
    """One version of a deal's rules."""

    version: int
    steps: tuple[DealStep, ...]
    leader_discount: int
    life_s: int
    hold_s: int
    per_viewer: int
    new_only: bool
    share: int  #: percent of the stock that open teams may hold

    @property
    def size(self) -> int:
        return self.steps[-1].people

    @property
    def least(self) -> int:
        return self.steps[0].people


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal with its rules of today."""

    deal_id: str
    room_id: str
    shop_id: str
    product_id: str
    variant_id: str | None
    title: str
    state: DealState
    currency: str
    exponent: int
    tax_included: bool
    single_price: int
    units: int
    stock: int
    terms: Terms
    closes_at: int | None = None  #: Unix ms
    sold_out: bool = False
    why: str | None = None
    reference: str | None = None  #: the shop's own number of it

    def view(self) -> DealView:
        """As everybody sees it."""
        return DealView(
            id=self.deal_id,
            product=self.product_id,
            variant=self.variant_id,
            title=self.title,
            state=self.state,
            currency=self.currency,
            exponent=self.exponent,
            tax_included=self.tax_included,
            terms=DealTerms(
                version=self.terms.version,
                single_price=self.single_price,
                steps=list(self.terms.steps),
                leader_discount=self.terms.leader_discount,
                units=self.units,
                life_s=self.terms.life_s,
                per_viewer=self.terms.per_viewer,
                new_only=self.terms.new_only,
            ),
            closes_at=self.closes_at,
            stock=self.stock,
            sold_out=self.sold_out,
            why=self.why,
            reference=self.reference,
        )


@dataclass(frozen=True, slots=True)
class Stock:
    """The deal's allotment, in units: sold + held + left = initial."""

    initial: int
    sold: int
    held: int  #: by teams that form
    left: int
    most_held: int


def check(terms: Terms, single_price: int, units: int, stock: int, *, low_price: bool) -> None:
    """Raises:
    Refused: TERMS_REFUSED, PRICE_LOW.
    """
    pricing.check_steps(terms.steps, single_price, terms.leader_discount)
    if stock * terms.share // 100 < terms.size * units:
        raise Refused(ErrorCode.TERMS_REFUSED, "the share of the stock that teams may hold is less than one team needs")
    if pricing.is_low(terms.steps, single_price, terms.leader_discount) and not low_price:
        raise Refused(ErrorCode.PRICE_LOW)


def require_open(deal: Deal, now_ms: int) -> None:
    """New teams may be opened.

    Raises:
        Refused: DEAL_CLOSED.
    """
    if deal.state is not DealState.OPEN or (deal.closes_at is not None and now_ms >= deal.closes_at):
        raise Refused(ErrorCode.DEAL_CLOSED)


def require_units(stock: Stock, units: int) -> None:
    """A whole team's units can be kept.

    Raises:
        Refused: SOLD_OUT, TEAMS_FULL.
    """
    if stock.left < units:
        raise Refused(ErrorCode.SOLD_OUT)
    if stock.held + units > stock.most_held:
        raise Refused(ErrorCode.TEAMS_FULL)


def require_running(deal: Deal) -> None:
    """Raises:
    Refused: DEAL_CLOSED.
    """
    if deal.state not in RUNNING:
        raise Refused(ErrorCode.DEAL_CLOSED)


def changed(deal: Deal, command: ChangeDeal) -> Deal:
    """The deal as an edit leaves it.

    Raises:
        Refused: DEAL_CLOSED, TERMS_REFUSED, PRICE_LOW.
    """
    require_running(deal)
    if command.state is not None:
        deal = replace(deal, state=DealState(command.state))
    given: Mapping[str, object] = {
        name: getattr(command, name)
        for name in ("steps", "leader_discount", "life_s", "hold_s", "per_viewer", "new_only", "share")
        if getattr(command, name) is not None
    }
    if not given:
        return deal
    fields = {**given, "steps": tuple(command.steps)} if command.steps is not None else dict(given)
    terms = replace(deal.terms, version=deal.terms.version + 1, **fields)  # type: ignore[arg-type]
    check(terms, deal.single_price, deal.units, deal.stock, low_price=command.low_price)
    return replace(deal, terms=terms)
