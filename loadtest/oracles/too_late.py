"""TooLate: a refusal that says that others were quicker, or that it is over, is true. Pure.

Anybody can say so, and a server that does sells nothing and fails nobody. What
is read afterwards speaks against it where it knows for sure: of what never
comes back, as the end of a team, and of what the room's log has with its time.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .base import Evidence, Finding

if TYPE_CHECKING:
    from .deals import One

FINAL = ("complete", "expired", "voided")  #: states of a team that it does not leave, but by the deal's end
_ENDS = frozenset({"draw_closed", "draw_cancelled", "draw_voided"})
_SLACK_MS = 500  #: how wrong the driver may be about the server's clock
_HEARD_MS = 1000  #: until every process of the server has heard that a draw is open: a password is only then one


def refused_buyers(
    evidence: Evidence, deals: list[One], seats: dict[str, dict[str, Any]], log: list[dict[str, Any]]
) -> Finding:
    """A refusal that says that others were quicker is true."""
    late = [note for note in evidence.notes("too_late") if note[0] != "enter"]
    untrue = _untrue(evidence, deals, seats, log)
    early = [f"{note[0]} by viewer {note[2]}: {note[1]}, and {why}" for note in late if (why := untrue(*note[1:]))]
    return Finding(
        name="no buyer was refused without reason",
        ok=not early,
        text=f"{len(late)} came too late by the server's word, {len(early)} of them against what can be read",
        examples=early[:10],
    )


def _untrue(
    evidence: Evidence, found: list[One], seats: dict[str, dict[str, Any]], log: list[dict[str, Any]]
) -> Callable[..., str]:
    """What speaks against a refusal; empty: nothing that can be read."""
    deals = {one.id: one for one in found}
    teams = {team["id"]: team for one in found for team in one.teams}
    shut = _shut(log)
    had = {(note[0], note[3]) for note in evidence.notes("seat")}
    given = Counter(note[1] for note in evidence.notes("seat"))
    sure = evidence.rehearsal and not evidence.uncertain  # all seats are known to us

    def why(code: str, viewer: int, at_ms: int, deal: str, team: str | None, seat: str | None) -> str:
        if deal not in deals:
            return "there is no such deal"
        if team is not None and team not in teams:
            return "there is no such team"
        state = teams[team]["state"] if team is not None else None
        match code:
            case "sold_out" if _never_out(deals[deal]):
                return "teams never had so much of the stock"
            case "deal_closed" if at_ms < shut.get(deal, math.inf) - _SLACK_MS:
                return "it was open"
            case "team_closed" | "team_late" if state not in FINAL and not evidence.cut_short:
                return f"the team is {state}"
            case "team_full" if sure and given[team] + teams[team].get("waived", 0) < teams[team]["size"]:
                return f"{given[team]} seats of it were ever taken"
            case "team_member" | "seat_taken" | "limit_reached" if sure and (deal, viewer) not in had:
                return "they never had a seat"
            case "seat_lost" | "seat_not_found" if _held(seats.get(seat or "", {})):
                return "they have it"
        return ""

    return why


def _held(seat: dict[str, Any]) -> bool:
    """An order that was not paid in time is lost, and its seat confirmed all the same."""
    unpaid = seat.get("order") in ("unpaid", "lapsed")
    return seat.get("state", "released") != "released" and not unpaid


def _never_out(one: One) -> bool:
    """One more team could have been opened, whenever it was: even all that there ever were left units for it."""
    units = one.deal["terms"].get("units", 1)
    sizes = [team["size"] for team in one.teams]
    size = max(one.deal["terms"]["steps"][-1]["people"], *sizes, 0)
    return bool(one.deal["stock"] >= (sum(sizes) + size) * units)


def _shut(log: list[dict[str, Any]]) -> dict[str, int]:
    """The first moment at which each deal may have taken no more teams, in ms of the server's clock."""
    shut: dict[str, int] = {}
    known: set[str] = set()

    def by(deal: str, at: int) -> None:
        shut[deal] = min(at, shut.get(deal, at))

    for item in log:
        event, at = item["event"], item["at"]
        match event["t"]:
            case "deal_opened" | "deal_changed":
                deal = event["deal"]
                known.add(deal["id"])
                if deal["state"] != "open":
                    by(deal["id"], at)
                if deal.get("closes_at") is not None:
                    by(deal["id"], deal["closes_at"])
            case "deal_closed":
                by(event["id"], at)
            case "show_changed" if event["show"]["state"] == "ended":
                for each in known:
                    by(each, at)
    return shut


# -- draws


def refused_entrants(evidence: Evidence, log: list[dict[str, Any]]) -> Finding:
    """Who was refused as too late, or as one who is in, was so. The room's log says until when a draw was open."""
    late = [note for note in evidence.notes("too_late") if note[0] == "enter"]
    times = _times(log)
    entered = {(note[0], note[3]) for note in evidence.notes("entered")}
    early: list[str] = []
    for _, code, viewer, at_ms, draw in late:
        if code == "draw_entered":
            if (draw, viewer) not in entered and not evidence.uncertain:
                early.append(f"{draw}: viewer {viewer} was told to be in, and is not")
        elif draw in times and times[draw][0] + _HEARD_MS <= at_ms < times[draw][1] - _SLACK_MS:
            early.append(f"{draw}: viewer {viewer} was refused with {code} while it was open")
    return Finding(
        name="no entry was refused while its draw was open",
        ok=None if early and evidence.faults else not early,  # a part of the server may have heard of the draw late
        text=f"{len(late)} entries were refused as too late, {len(early)} of them while the draw was open",
        examples=early[:10],
    )


def _times(log: list[dict[str, Any]]) -> dict[str, tuple[int, float]]:
    """When each draw was opened, and until when it was open at most, in ms of the server's clock."""
    opened: dict[str, int] = {}
    shut: dict[str, float] = {}
    for item in log:
        event, at = item["event"], item["at"]
        if event["t"] == "draw_opened":
            opened[event["draw"]["id"]] = at
        elif event["t"] in _ENDS:
            shut.setdefault(event["draw"], min(at, event.get("closed_at", at)))
        elif event["t"] == "show_changed" and event["show"]["state"] == "ended":
            shut = dict.fromkeys(opened, at) | shut
    return {draw: (at, shut.get(draw, math.inf)) for draw, at in opened.items()}
