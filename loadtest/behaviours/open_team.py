"""OpenTeam: a viewer opens a team in the room's deal, asks friends to join, and pays the first seat. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from livestream.protocol.commands import Command
from livestream.protocol.commands import OpenTeam as OpenTeamCommand
from livestream.protocol.errors import ErrorCode as E
from livestream.protocol.pushes import AnyPush
from livestream.protocol.replies import AnyReply, Seated

from ..dice import Dice
from .base import Behaviour, Outcome, Task, Who
from .seats import Deals, SeatOptions, has_seat, seated, told


class OpenTeam(Behaviour):
    name = "open_team"
    options = SeatOptions
    needs_token = True
    races = frozenset({E.SOLD_OUT, E.TEAMS_FULL, E.SEAT_TAKEN, E.LIMIT_REACHED, E.DEAL_CLOSED})

    def __init__(self, sentences: list[str]) -> None:
        super().__init__(sentences)
        self._deals = Deals()

    def learn(self, push: AnyPush) -> None:
        self._deals.learn(push)

    def may(self, who: Who) -> bool:
        return any(not has_seat(who, deal.id) for deal in self._deals.open)

    def command(self, who: Who, task: Task) -> Command | None:
        options: SeatOptions = task.options
        open_ones = [deal for deal in self._deals.open if not has_seat(who, deal.id)]
        if not open_ones:
            return None
        deal = task.random.choice(open_ones)
        listed = task.random.random() < options.listed
        return OpenTeamCommand(ref=task.ref, deal=deal.id, listed=listed, show_name=listed, key=task.key)

    def late(self, who: Who, command: Command, task: Task) -> list[object]:
        assert isinstance(command, OpenTeamCommand)
        return [command.deal, None, None]

    def answered(self, who: Who, command: Command, reply: AnyReply, task: Task) -> Iterable[Outcome]:
        if isinstance(reply, Seated):
            yield from seated(who, reply.own, task.options, task.random)

    def hears(self, who: Who, push: AnyPush, random: Dice) -> Iterable[Outcome]:
        return told(who, push)
