"""Cards: what the buyer may pay with on the checkout page, and what comes of it. Pure."""

from __future__ import annotations

import enum


class Card(enum.StrEnum):
    GOOD = "good"  #: pays
    REFUSED = "refused"  #: the bank says no
    LATE = "late"  #: pays; the shop is told ten seconds later
    LOST = "lost"  #: pays; the shop is never told, it must ask
    REPEATED = "repeated"  #: pays; the shop is told ten times


#: name, and what it says of itself
SAYS: dict[Card, tuple[str, str]] = {
    Card.GOOD: ("Sandbox card 0001", "pays"),
    Card.REFUSED: ("Sandbox card 0002", "the bank refuses"),
    Card.LATE: ("Sandbox card 0003", "pays, the shop hears of it 10 s later"),
    Card.LOST: ("Sandbox card 0004", "pays, the shop is never told"),
    Card.REPEATED: ("Sandbox card 0005", "pays, the shop is told ten times"),
}
