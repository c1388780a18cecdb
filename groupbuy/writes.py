"""Writes: a batch's changes, table by table in the order of the locks (`store`), set-wise.

Teams and seats stand here, the rest in `money_rows`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from livestream.protocol.groupbuy import SeatState
from livestream.storage import deadlines
from livestream.storage.deadlines import Deadline
from livestream.storage.pool import Connection
from livestream.storage.roomlog import Also

from . import money_rows
from .book import Book
from .rows import columns
from .store import TEAM, Loaded
from .team import GOING, Seat, Team


async def write(tx: Connection, book: Book, before: Loaded) -> list[Also]:
    """Write what a batch changed, table by table in the order of the locks, rows in the order of their keys.

    Returns: what is left, for the append to bring along: new rows, and changes of teams, which are locked.
    """
    left = await _write_teams(tx, book, before)
    if book.orders or book.payments:  # theirs refer to seats
        for each in left:
            await each.execute(tx)
        left = []
    caused = book.caused
    if caused.sold or caused.held or caused.free:
        await tx.execute(
            "UPDATE deal_stock SET sold = sold + $2, held = held + $3, free = free + $4 WHERE deal_id = $1",
            book.deal.deal_id,
            caused.sold,
            caused.held,
            caused.free,
        )
    await money_rows.write(tx, book, before)
    return left


async def _write_teams(tx: Connection, book: Book, before: Loaded) -> list[Also]:
    teams = sorted((each for each in book.teams.values() if before.teams.get(each.team_id) is not each), key=_team_id)
    fresh = [each for each in teams if each.team_id not in before.teams]
    old = [each for each in teams if each.team_id in before.teams]
    left = []
    if fresh:
        await deadlines.put(tx, [Deadline(book.deal.room_id, TEAM, each.team_id, each.deadline_ms) for each in fresh])
        left.append(_new_teams(fresh))
    if old:
        left.append(_changed_teams(old))
        ended = [each.team_id for each in old if each.state not in GOING and before.teams[each.team_id].state in GOING]
        if ended:
            # The views of what became of a team still show it.
            await tx.execute(
                "UPDATE team SET deadline_was = due_at FROM deadline"
                " WHERE room_id = $1 AND kind = 'team' AND id = team_id AND team_id = ANY($2)",
                book.deal.room_id,
                ended,
            )
            await deadlines.drop(tx, book.deal.room_id, TEAM, ended)
    return [*left, *await _write_seats(tx, teams, before)]


def _team_id(team: Team) -> str:
    return team.team_id


def _new_teams(teams: Sequence[Team]) -> Also:
    return Also(
        """
        INSERT INTO team (team_id, deal_id, version, state, size, least, held, paid, waived, leader, invite, listed)
        SELECT * FROM unnest({0}::text[], {1}::text[], {2}::int[], {3}::text[], {4}::smallint[], {5}::smallint[],
                             {6}::smallint[], {7}::smallint[], {8}::smallint[], {9}::text[], {10}::text[],
                             {11}::bool[])""",
        columns(
            teams,
            _team_id,
            lambda each: each.deal_id,
            lambda each: each.version,
            lambda each: each.state,
            lambda each: each.size,
            lambda each: each.least,
            _held,
            _paid,
            lambda each: each.waived,
            lambda each: each.leader,
            lambda each: each.invite,
            lambda each: each.listed,
        ),
    )


def _changed_teams(teams: Sequence[Team]) -> Also:
    return Also(
        """
        UPDATE team SET state = c.state, held = c.held, paid = c.paid, waived = c.waived, leader = c.leader,
               reached = c.reached, why = c.why,
               ended_at = CASE WHEN c.state IN ('forming', 'settling') THEN NULL
                               ELSE coalesce(ended_at, clock_timestamp()) END
          FROM unnest({0}::text[], {1}::text[], {2}::smallint[], {3}::smallint[], {4}::smallint[], {5}::text[],
                      {6}::smallint[], {7}::text[]) AS c (team_id, state, held, paid, waived, leader, reached, why)
         WHERE team.team_id = c.team_id""",
        columns(
            teams,
            _team_id,
            lambda each: each.state,
            _held,
            _paid,
            lambda each: each.waived,
            lambda each: each.leader,
            lambda each: each.reached,
            lambda each: each.why,
        ),
    )


def _held(team: Team) -> int:
    return team.count(SeatState.HELD, SeatState.PAYING)


def _paid(team: Team) -> int:
    return team.count(SeatState.PAID, SeatState.CONFIRMED)


async def _write_seats(tx: Connection, teams: Sequence[Team], before: Loaded) -> list[Also]:
    fresh: list[tuple[Team, Seat]] = []
    old: list[tuple[Team, Seat]] = []
    for team in teams:
        was = before.teams[team.team_id].seats if team.team_id in before.teams else ()
        for seat, known in zip_longest(team.seats, was):
            if known is None:
                fresh.append((team, seat))
            elif known is not seat:
                old.append((team, seat))
    # Released ones first: who changes teams within a batch holds one live seat at any moment.
    if old:
        await tx.execute(
            """
            UPDATE seat SET state = c.state, hold_ms = c.hold_ms, why = c.why,
                   hold_at = to_timestamp(c.hold_at / 1000.0)
              FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[])
                AS c (seat_id, state, hold_ms, why, hold_at)
             WHERE seat.seat_id = c.seat_id""",
            *columns(
                sorted(old, key=lambda pair: pair[1].seat_id),
                lambda pair: pair[1].seat_id,
                lambda pair: pair[1].state,
                lambda pair: pair[1].hold_ms,
                lambda pair: pair[1].why,
                lambda pair: pair[0].deadline_ms - pair[1].hold_ms,
            ),
        )
    return [_new_seats(fresh)] if fresh else []


def _new_seats(fresh: Sequence[tuple[Team, Seat]]) -> Also:
    return Also(
        """
        INSERT INTO seat (seat_id, team_id, deal_id, viewer, name, number, state, hold_ms, why, hold_at)
        SELECT seat_id, team_id, deal_id, viewer, name, number, state, hold_ms, why, to_timestamp(hold_at / 1000.0)
          FROM unnest({0}::text[], {1}::text[], {2}::text[], {3}::text[], {4}::text[], {5}::smallint[], {6}::text[],
                      {7}::bigint[], {8}::text[], {9}::bigint[])
            AS c (seat_id, team_id, deal_id, viewer, name, number, state, hold_ms, why, hold_at)""",
        columns(
            sorted(fresh, key=lambda pair: pair[1].seat_id),
            lambda pair: pair[1].seat_id,
            lambda pair: pair[0].team_id,
            lambda pair: pair[0].deal_id,
            lambda pair: pair[1].viewer,
            lambda pair: pair[1].name,
            lambda pair: pair[1].number,
            lambda pair: pair[1].state,
            lambda pair: pair[1].hold_ms,
            lambda pair: pair[1].why,
            lambda pair: pair[0].deadline_ms - pair[1].hold_ms,
        ),
    )


async def touch_holds(tx: Connection, team_ids: Sequence[str]) -> None:
    """When holds of these teams end, now that a freeze has moved their deadlines."""
    await tx.execute(
        """
        UPDATE seat SET hold_at = due_at - hold_ms * interval '1 millisecond'
          FROM deal, deadline d
         WHERE deal.deal_id = seat.deal_id AND d.room_id = deal.room_id AND d.kind = 'team' AND d.id = seat.team_id
           AND seat.team_id = ANY($1) AND seat.state IN ('held', 'paying')
           AND hold_at <> due_at - hold_ms * interval '1 millisecond'""",
        list(team_ids),
    )
