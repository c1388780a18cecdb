"""DrawState's meaning: what each event of a draw says of it. Pure; the server's and the client's alike. Total."""

from __future__ import annotations

import msgspec

from .draws import (
    Draw,
    DrawAnnounced,
    DrawCancelled,
    DrawClosed,
    DrawDrawn,
    DrawLogEvent,
    DrawOpened,
    DrawPassedOn,
    DrawPrizeLapsed,
    DrawRevealed,
    DrawRooted,
    DrawSettled,
    DrawState,
    DrawVoided,
    DrawWinner,
    OwnDraw,
    YourPrizeClaimed,
    YourPrizeWentOn,
    YouWon,
)

ENDED = frozenset({DrawState.SETTLED, DrawState.CANCELLED, DrawState.VOID})
#: at most one of a room's draws is in one of these
ACTIVE = frozenset({DrawState.OPEN, DrawState.CLOSED})


def evolve_draw(draw: Draw, event: DrawLogEvent) -> Draw:
    """The draw after one of its own events."""
    match event:
        case DrawAnnounced(draw=new) | DrawOpened(draw=new):
            return new
        case DrawClosed(closed_at=closed_at, round=number, beacon_at=beacon_at):
            return _with(draw, state=DrawState.CLOSED, closed_at=closed_at, round=number, beacon_at=beacon_at)
        case DrawRooted():
            return _with(draw, root=event.root, entries=event.entries, weight=event.weight, rooted_at=event.at)
        case DrawRevealed(party=party):
            return _with(draw, revealed=sorted({*draw.revealed, party}))
        case DrawDrawn():
            return _with(
                draw,
                state=DrawState.DRAWN,
                value=event.value,
                seed=event.seed,
                winners=event.winners,
                claim_until=event.claim_until,
            )
        case DrawPassedOn(winner=winner):
            return _with(draw, winners=_replaced(draw.winners, winner))
        case DrawPrizeLapsed(prize=prize, why=why_gone):
            return _with(draw, winners=[_with(w, lapsed=why_gone) if w.prize == prize else w for w in draw.winners])
        case DrawSettled():
            return _with(draw, state=DrawState.SETTLED)
        case DrawCancelled(why=why):
            return _with(draw, state=DrawState.CANCELLED, why=why)
        case DrawVoided(why=void_why, rooted_at=found_at):
            rooted_at = draw.rooted_at if found_at is None else found_at
            return _with(draw, state=DrawState.VOID, why=str(void_why), rooted_at=rooted_at)


def later(draw: Draw, shifted_ms: int) -> Draw:
    """A break of the room is over: what is still open closes later by as much."""
    if draw.state is not DrawState.OPEN or draw.closes_at is None:
        return draw
    return _with(draw, closes_at=draw.closes_at + shifted_ms)


def evolve_draws(draws: tuple[Draw, ...], event: DrawLogEvent) -> tuple[Draw, ...]:
    """A room's draws, as a snapshot has them: those announced, and the one that was opened last."""
    match event:
        case DrawAnnounced(draw=new):
            return (*(each for each in draws if each.id != new.id), new)
        case DrawOpened(draw=new):
            waiting = tuple(each for each in draws if each.state is DrawState.ANNOUNCED and each.id != new.id)
            return (new, *waiting)
        case DrawCancelled(draw=gone):
            # One that was never open leaves the queue; one that was is shown with its reason.
            draws = tuple(each for each in draws if each.id != gone or each.state is not DrawState.ANNOUNCED)
    return tuple(evolve_draw(each, event) if each.id == event.draw else each for each in draws)


def evolve_own(own: tuple[OwnDraw, ...], event: object) -> tuple[OwnDraw, ...]:
    """One viewer's draws, in order of id, after a notice to them; what one draw brings never touches another."""
    match event:
        case YouWon():
            won = OwnDraw(draw=event.draw)
            known = next((each for each in own if each.draw == event.draw), won)
            now = _with(
                known,
                title=event.title,
                prize=event.prize,
                prize_title=event.prize_title,
                claim_until=event.claim_until,
                claimed=False,
                delete_at=None,
            )
            others = (each for each in own if each.draw != event.draw)
            return tuple(sorted((*others, now), key=lambda each: each.draw))
        case YourPrizeWentOn(draw=draw):
            gone = {"prize": None, "prize_title": "", "claim_until": None, "claimed": False, "delete_at": None}
            return tuple(_with(each, **gone) if each.draw == draw else each for each in own)
        case YourPrizeClaimed(draw=draw, delete_at=delete_at):
            return tuple(_with(each, claimed=True, delete_at=delete_at) if each.draw == draw else each for each in own)
    return own


def _replaced(winners: list[DrawWinner], winner: DrawWinner) -> list[DrawWinner]:
    return [winner if each.prize == winner.prize else each for each in winners]


_with = msgspec.structs.replace
