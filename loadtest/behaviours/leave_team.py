"""LeaveTeam: who holds a seat thinks better of it. Pure.

Follows from a seat; no schedule starts it.
"""

from __future__ import annotations

from collections.abc import Iterable

from livestream.protocol.commands import Command
from livestream.protocol.commands import LeaveTeam as LeaveTeamCommand
from livestream.protocol.errors import ErrorCode as E
from livestream.protocol.groupbuy import OwnSeat
from livestream.protocol.replies import AnyReply, Ok

from .base import Behaviour, Noted, Outcome, Task, Who
from .seats import SeatOptions, late, own


class LeaveTeam(Behaviour):
    name = "leave_team"
    options = SeatOptions
    needs_token = True
    scheduled = False
    races = frozenset({E.SEAT_NOT_FOUND, E.TEAM_CLOSED, E.TEAM_LATE})

    def command(self, who: Who, task: Task) -> Command | None:
        seat: OwnSeat | None = task.about
        if seat is None:
            return None
        return LeaveTeamCommand(ref=task.ref, deal=seat.team.deal, seat=seat.seat, key=task.key)

    def late(self, who: Who, command: Command, task: Task) -> list[object]:
        return late(task)

    def answered(self, who: Who, command: Command, reply: AnyReply, task: Task) -> Iterable[Outcome]:
        seat: OwnSeat = task.about
        if isinstance(reply, Ok):
            own(who).pop(seat.seat, None)
            yield Noted("left", [seat.team.deal, seat.seat])
