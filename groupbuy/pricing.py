"""Pricing: what a seat costs. Pure: integers in minor units of one currency; nothing is ever rounded.

A deal has steps: from so many members on a seat costs so much. A buyer's money
is held at the price of the lowest step, the highest that can come of it, and in
the end the price of the step reached is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.groupbuy import DealStep


def check_steps(steps: Sequence[DealStep], single_price: int, leader_discount: int) -> None:
    """Raises:
    Refused: TERMS_REFUSED, the steps do not rise in people and fall in price below the single price.
    """
    if any(later.people <= before.people for before, later in pairwise(steps)):
        raise _refused("each step needs more people than the one before")
    if any(later.price >= before.price for before, later in pairwise(steps)):
        raise _refused("each step must cost less than the one before")
    if steps[0].price >= single_price:
        raise _refused("the team's price must be below the single price")
    if leader_discount >= steps[-1].price:
        raise _refused("the leader's discount must leave something to pay")


def is_low(steps: Sequence[DealStep], single_price: int, leader_discount: int) -> bool:
    """Somebody, if only the leader, may pay less than half: most likely a slip of the keyboard."""
    return seat_price(steps[-1], leader_discount, leads=True) * 2 < single_price


def step_reached(steps: Sequence[DealStep], people: int) -> DealStep | None:
    """The highest step that so many members reach; None: not even the lowest."""
    return next((step for step in reversed(steps) if step.people <= people), None)


def seat_price(step: DealStep, leader_discount: int, *, leads: bool) -> int:
    """What one member pays once that step is reached."""
    return step.price - leader_discount if leads else step.price


def most_to_pay(steps: Sequence[DealStep]) -> int:
    """What is held of a member's money: the lowest step's price, no leader's discount, for who leads may change."""
    return steps[0].price


def _refused(why: str) -> Refused:
    return Refused(ErrorCode.TERMS_REFUSED, why)
