"""Chores: what the worker does for group buys. Each is safe to run twice, and beside another worker.

A deadline that nobody acted on has passed all the same: every decision judges
by the clock. Teams are claimed with SKIP LOCKED, so workers share the load. A
deal, or a team, that cannot be borne keeps nobody else waiting.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from livestream.protocol.groupbuy import RUNNING, DealChanged, DealState
from livestream.storage import deadlines
from livestream.storage.pool import Database

from . import course, deal_rows, store, writes
from .book import Book
from .engine import Told, change, finish
from .operation import close
from .store import DEAL, Loaded, Named
from .turn import one

_TEAMS = 100  #: in one transaction; it must end within the statement time-out
_DEALS = 100
_TURNS = 50  #: of a deal, while there is more: then the next deal's teams must not wait longer
Tell = Callable[[str, Told], None]  #: takes what was committed, with its deal


def untold(deal_id: str, told: Told) -> None:
    """Tells nobody: what must arrive stands in logs and notices."""


async def end_teams(database: Database, tell: Tell = untold) -> int:
    """Let holds end and decide teams whose deadline is past, those that wait longest first."""
    async with database.read() as connection:
        # The earliest of all are looked at first, which an index knows: else a plan that was made before the tables had
        # statistics reads every open team and seat, four times a second, in the very rush that made them.
        rows = await connection.fetch(
            """
            SELECT deal_id FROM (
                SELECT deal_id, due_at AS at FROM team JOIN deadline ON kind = 'team' AND id = team_id
                  JOIN room USING (room_id) WHERE due_at <= statement_timestamp() AND frozen_at IS NULL
                   AND (SELECT min(due_at) FROM deadline) <= statement_timestamp()
                 UNION ALL
                SELECT deal_id, hold_at FROM seat JOIN deal USING (deal_id) JOIN room USING (room_id)
                 WHERE seat.state IN ('held', 'paying') AND hold_at <= statement_timestamp() AND frozen_at IS NULL
                   AND (SELECT min(hold_at) FROM seat WHERE state IN ('held', 'paying')) <= statement_timestamp()) d
             GROUP BY deal_id ORDER BY min(at) LIMIT $1""",
            _DEALS,
        )

    async def end(deal_id: str, named: Named) -> int:
        return await _end_teams(database, deal_id, named, tell)

    many = Named(due=_TEAMS, money=True)
    return sum([await _team_by_team(database, "end_teams", row["deal_id"], many, end) for row in rows])


async def _team_by_team(
    database: Database, chore: str, deal_id: str, many: Named, run: Callable[[str, Named], Awaitable[int]]
) -> int:
    """Run it for many teams at once while there are more; where that fails, for each by itself."""
    done = 0
    try:
        for _ in range(_TURNS):
            done += (ran := await run(deal_id, many))
            if ran < _TEAMS:
                break
    except Exception:  # whatever it is, it is one team's: `one` tells of it
        async with database.read() as connection:
            ids = await store.teams_of(connection, deal_id, many)
        for team_id in ids:
            done += await one(chore, team_id, run(deal_id, Named(teams={team_id}, money=True)))
    return done


async def _end_teams(database: Database, deal_id: str, named: Named, tell: Tell) -> int:
    """Returns how many teams it looked at."""
    async with database.transaction() as tx:
        book = await store.load(tx, deal_id, named)
        if book is None or book.frozen or book.deal.state is DealState.VOIDED:  # those of a voided one: `void_teams`
            return 0
        before = Loaded.of(book)
        course.due(book)
        asked = [each.team_id for each in book.teams.values() if before.teams[each.team_id].state is not each.state]
        if asked:
            # Those that settle have 30 s: the provider is asked at once.
            await tx.execute(
                """
                UPDATE payment SET ask_at = clock_timestamp() FROM seat
                 WHERE seat.seat_id = payment.seat_id AND team_id = ANY($1) AND seat.state = 'paying'
                   AND wanted AND payment.state IN ('opening', 'opened')""",
                asked,
            )
        await writes.touch_holds(tx, list(book.teams))
        told = await finish(tx, book, before, 0)
    tell(deal_id, told)
    return len(book.teams)


async def lapse_orders(database: Database, tell: Tell = untold) -> int:
    """Free the units of orders that nobody paid again."""
    async with database.read() as connection:
        rows = await connection.fetch(
            """
            SELECT deal_id, seat_id FROM deadline JOIN room USING (room_id) JOIN team_order ON seat_id = id
             WHERE kind = 'repay' AND due_at <= statement_timestamp() AND frozen_at IS NULL
             ORDER BY due_at LIMIT $1""",
            _TEAMS,
        )

    async def lapse(deal_id: str, seat_id: str) -> int:
        return await _changed(database, deal_id, Named(seats={seat_id}, money=True), course.due, tell)

    return sum([await one("lapse_orders", row["seat_id"], lapse(**row)) for row in rows])


async def close_deals(database: Database, tell: Tell = untold) -> int:
    """Close deals whose window, or whose show, is over."""
    async with database.read() as connection:
        due = [each.id for each in await deadlines.due(connection, [DEAL], _DEALS)]
        ended = await connection.fetch(
            """
            SELECT deal_id FROM deal WHERE state IN ('open', 'paused') AND EXISTS (
                   SELECT FROM show WHERE show.room_id = deal.room_id AND ended_at >= opened_at) LIMIT $1""",
            _DEALS,
        )

    def run_out(book: Book) -> bool:
        closes_at = book.deal.closes_at
        over = closes_at is not None and closes_at <= book.now_ms and not book.frozen
        if book.deal.state not in RUNNING or not (over or book.show_over):
            return False
        close(book, None if over else "the show ended")
        return True

    ids = dict.fromkeys([*due, *(row["deal_id"] for row in ended)])
    return sum([await one("close_deals", each, _deal_changed(database, each, run_out, tell)) for each in ids])


async def void_teams(database: Database, tell: Tell = untold) -> int:
    """Send everybody's money back, in deals that the shop took back."""
    async with database.read() as connection:
        rows = await connection.fetch(
            """
            SELECT DISTINCT deal_id FROM deal JOIN team USING (deal_id)
             WHERE deal.state = 'voided' AND team.state IN ('forming', 'settling', 'complete') LIMIT $1""",
            _DEALS,
        )

    async def void(deal_id: str, named: Named) -> int:
        return await _changed(database, deal_id, named, _void, tell)

    many = Named(going=_TEAMS, money=True)
    return sum([await _team_by_team(database, "void_teams", row["deal_id"], many, void) for row in rows])


def _void(book: Book) -> int:
    if book.deal.state is not DealState.VOIDED:
        return 0
    course.void(book, book.deal.why or "")
    return len(book.teams)


async def tell_sold_out(database: Database, tell: Tell = untold, only: str | None = None) -> int:
    """Tell rooms which deals have no units left for another team, and which have some again."""
    async with database.read() as connection:
        rows = await connection.fetch(
            """
            SELECT deal_id FROM deal JOIN deal_stock USING (deal_id)
              JOIN deal_terms USING (deal_id, version)
             WHERE state IN ('open', 'paused') AND ($1::text IS NULL OR deal_id = $1)
               AND sold_out <> (free < units * (steps->-1->>'people')::bigint)""",
            only,
        )

    def sold_out(book: Book) -> bool:
        assert book.stock is not None
        now = book.stock.left < book.deal.units * book.deal.terms.size
        if book.deal.state not in RUNNING or now == book.deal.sold_out:
            return False
        book.deal = replace(book.deal, sold_out=now)
        book.caused.log.append(DealChanged(deal=book.deal.view()))
        return True

    found = [row["deal_id"] for row in rows]
    return sum([await one("tell_sold_out", each, _deal_changed(database, each, sold_out, tell)) for each in found])


async def _changed(database: Database, deal_id: str, named: Named, act: Callable[[Book], int], tell: Tell) -> int:
    done = await change(database, deal_id, named, act)
    if done is None:
        return 0
    tell(deal_id, done[1])
    return done[0]


async def _deal_changed(database: Database, deal_id: str, act: Callable[[Book], bool], tell: Tell) -> int:
    """Change a deal itself; `act` says whether it did."""
    async with database.transaction() as tx:
        book = await store.load(tx, deal_id, Named(changes=True))
        if book is None:
            return 0
        before = Loaded.of(book)
        if not act(book):
            return 0
        await deal_rows.update(tx, book, before.deal)
        told = await finish(tx, book, before, 0)
    tell(deal_id, told)
    return 1


async def forget_old_events(database: Database) -> int:
    """Notifications older than any repeat of them."""
    async with database.transaction() as tx:
        status = await tx.execute("DELETE FROM payment_event WHERE at < clock_timestamp() - interval '30 days'")
    return int(status.split()[-1])
