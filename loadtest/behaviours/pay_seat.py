"""PaySeat: who holds a seat goes to the provider's page and pays there. Pure.

Follows from a seat; no schedule starts it.
"""

from __future__ import annotations

from collections.abc import Iterable

from livestream.protocol.commands import Command
from livestream.protocol.commands import PaySeat as PaySeatCommand
from livestream.protocol.errors import ErrorCode as E
from livestream.protocol.groupbuy import OwnSeat
from livestream.protocol.replies import AnyReply, PayAt

from .base import Behaviour, Outcome, Task, Visit, Who
from .seats import SeatOptions, late, pressed

PRESS = {"do": "pay"}  #: on the sandbox's page


class PaySeat(Behaviour):
    name = "pay_seat"
    options = SeatOptions
    needs_token = True
    scheduled = False
    repeats = True
    races = frozenset({E.SEAT_LOST, E.TEAM_CLOSED, E.TEAM_LATE, E.DEAL_CLOSED})

    def command(self, who: Who, task: Task) -> Command | None:
        seat: OwnSeat | None = task.about
        if seat is None:
            return None
        return PaySeatCommand(ref=task.ref, deal=seat.team.deal, seat=seat.seat)

    def late(self, who: Who, command: Command, task: Task) -> list[object]:
        return late(task)

    def answered(self, who: Who, command: Command, reply: AnyReply, task: Task) -> Iterable[Outcome]:
        if isinstance(reply, PayAt):
            seat: OwnSeat = task.about
            pressed(who)[seat.seat] = task.due_us
            yield Visit("checkout", reply.url, PRESS, task.due_us, [seat.team.deal, seat.seat])
