"""Chores: what the worker does for group buys. Each is safe to run twice, and beside another worker.

A deadline that nobody acted on has passed all the same: every decision judges
by the clock. Teams are claimed with SKIP LOCKED, so workers share the load.
"""

from __future__ import annotations

from dataclasses import replace

from livestream.protocol.groupbuy import DealChanged, DealState
from livestream.storage import deadlines
from livestream.storage.pool import Database

from . import store
from .book import Book
from .deal import RUNNING
from .engine import change, finish
from .operation import close
from .store import DEAL, Loaded, Named

_TEAMS = 100  #: in one transaction; it must end within the statement time-out
_DEALS = 100


async def end_teams(database: Database) -> int:
    """Let holds end and decide teams whose deadline is past."""
    async with database.read() as connection:
        # The earliest of all are looked at first, which an index knows: else a plan that was made before the tables had
        # statistics reads every open team and seat, four times a second, in the very rush that made them.
        rows = await connection.fetch(
            """
            SELECT deal_id FROM team JOIN deadline ON kind = 'team' AND id = team_id JOIN room USING (room_id)
             WHERE due_at <= statement_timestamp() AND frozen_at IS NULL
               AND (SELECT min(due_at) FROM deadline) <= statement_timestamp()
             UNION
            SELECT deal_id FROM seat JOIN deal USING (deal_id) JOIN room USING (room_id)
             WHERE seat.state IN ('held', 'paying') AND hold_at <= statement_timestamp() AND frozen_at IS NULL
               AND (SELECT min(hold_at) FROM seat WHERE state IN ('held', 'paying')) <= statement_timestamp()
             LIMIT $1""",
            _DEALS,
        )
    return sum([await _end_teams(database, row["deal_id"]) for row in rows])


async def _end_teams(database: Database, deal_id: str) -> int:
    async with database.transaction() as tx:
        book = await store.load(tx, deal_id, Named(due=_TEAMS, money=True))
        if book is None or book.frozen:
            return 0
        before = Loaded.of(book)
        ended = book.due()
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
        await store.touch_holds(tx, list(book.teams))
        await finish(tx, book, before, 0)
        return ended


async def lapse_orders(database: Database) -> int:
    """Free the units of orders that nobody paid again."""
    async with database.read() as connection:
        rows = await connection.fetch(
            "SELECT deal_id, seat_id FROM team_order WHERE state = 'unpaid' AND repay_until <= statement_timestamp()"
            " ORDER BY repay_until LIMIT $1",
            _TEAMS,
        )
    lapsed = 0
    for row in rows:
        done = await change(database, row["deal_id"], Named(seats={row["seat_id"]}, money=True), Book.due)
        lapsed += done[0] if done else 0
    return lapsed


async def close_deals(database: Database) -> int:
    """Close deals whose window is over."""
    async with database.read() as connection:
        due = await deadlines.due(connection, [DEAL], _DEALS)
    closed = 0
    for deadline in due:
        async with database.transaction() as tx:
            book = await store.load(tx, deadline.id, Named(changes=True))
            if book is None or book.frozen or book.deal.closes_at is None or book.deal.closes_at > book.now_ms:
                continue
            before = Loaded.of(book)
            close(book)
            await store.write_deal(tx, book, before.deal)
            await finish(tx, book, before, 0)
            closed += 1
    return closed


async def void_teams(database: Database) -> int:
    """Send everybody's money back, in deals that the shop took back."""
    async with database.read() as connection:
        rows = await connection.fetch(
            """
            SELECT DISTINCT deal_id FROM deal JOIN team USING (deal_id)
             WHERE deal.state = 'voided' AND team.state IN ('forming', 'settling', 'complete') LIMIT $1""",
            _DEALS,
        )
    voided = 0
    for row in rows:
        named = Named(going=_TEAMS, money=True)
        done = await change(database, row["deal_id"], named, _void)
        voided += done[0] if done else 0
    return voided


def _void(book: Book) -> int:
    if book.deal.state is not DealState.VOIDED:
        return 0
    book.void(book.deal.why or "")
    return len(book.teams)


async def tell_sold_out(database: Database, only: str | None = None) -> int:
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
    told = 0
    for row in rows:
        async with database.transaction() as tx:
            book = await store.load(tx, row["deal_id"], Named(changes=True))
            if book is None or book.stock is None or book.deal.state not in RUNNING:
                continue
            before = Loaded.of(book)
            sold_out = book.stock.left < book.deal.units * book.deal.terms.size
            if sold_out == book.deal.sold_out:
                continue
            book.deal = replace(book.deal, sold_out=sold_out)
            book.caused.log.append(DealChanged(deal=book.deal.view()))
            await store.write_deal(tx, book, before.deal)
            await finish(tx, book, before, 0)
            told += 1
    return told


async def forget_old_events(database: Database) -> int:
    """Notifications older than any repeat of them."""
    async with database.transaction() as tx:
        status = await tx.execute("DELETE FROM payment_event WHERE at < clock_timestamp() - interval '30 days'")
    return int(status.split()[-1])
