"""JoinTeam: a viewer joins a team: by an invite that somebody passed on, or from the list of those that need one more.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from livestream.protocol.commands import Command
from livestream.protocol.commands import JoinTeam as JoinTeamCommand
from livestream.protocol.errors import ErrorCode as E
from livestream.protocol.pushes import AnyPush
from livestream.protocol.replies import AnyReply, Error, Seated

from .base import Behaviour, Outcome, Task, Who
from .seats import Deals, SeatOptions, has_seat, seated


class JoinTeam(Behaviour):
    name = "join_team"
    options = SeatOptions
    needs_token = True
    races = frozenset(
        {
            E.TEAM_FULL, E.TEAM_CLOSED, E.TEAM_LATE, E.TEAM_MEMBER, E.SEAT_TAKEN, E.LIMIT_REACHED, E.DEAL_CLOSED,
        }
    )  # fmt: skip

    def __init__(self, sentences: list[str]) -> None:
        super().__init__(sentences)
        self._deals = Deals()

    def learn(self, push: AnyPush) -> None:
        self._deals.learn(push)

    def may(self, who: Who) -> bool:
        return any(not has_seat(who, deal) for deal in self._deals.listed.values())

    def command(self, who: Who, task: Task) -> Command | None:
        if task.about is not None:
            deal, _, invite = task.about
            if has_seat(who, deal):
                return None
            return JoinTeamCommand(ref=task.ref, deal=deal, invite=invite, key=task.key)
        teams = [(team, deal) for team, deal in self._deals.listed.items() if not has_seat(who, deal)]
        if not teams:
            return None
        team, deal = task.random.choice(teams)
        return JoinTeamCommand(ref=task.ref, deal=deal, team=team, show_name=True, key=task.key)

    def late(self, who: Who, command: Command, task: Task) -> list[object]:
        assert isinstance(command, JoinTeamCommand)
        return [command.deal, command.team or task.about[1], None]

    def answered(self, who: Who, command: Command, reply: AnyReply, task: Task) -> Iterable[Outcome]:
        assert isinstance(command, JoinTeamCommand)
        if isinstance(reply, Error) and reply.code in self.races and command.team is not None:
            self._deals.listed.pop(command.team, None)
        if isinstance(reply, Seated):
            yield from seated(who, reply.own, task.options, task.random)
