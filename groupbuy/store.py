"""Store: loads what a batch names into a book, under locks in one fixed order. `writes` writes it back.

The order, everywhere: the room (only who changes a deal) or its deadlines
(shared, who may set one) -> deal (shared; exclusive for those who change it)
-> team -> stock -> order, payment -> room log. A seat changes under its team's
lock alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from livestream.protocol.events import RefundRequest
from livestream.protocol.groupbuy import DealState, OrderState, SeatState, TeamState
from livestream.protocol.limits import SETTLING_S
from livestream.storage import deadlines
from livestream.storage.pool import Connection

from .book import Book, Buyer
from .deal import Deal, Stock, Terms
from .money import Payment
from .order import SOLD, Order, Return
from .team import Seat, Team

_LOCK = "deal:"  #: with its id, the name of an advisory lock
TEAM, DEAL, REPAY = "team", "deal", "repay"  #: kinds of deadlines
_terms = msgspec.json.Decoder(list[Terms]).decode
_request = msgspec.json.Decoder(RefundRequest).decode
_buyers = msgspec.json.Decoder(dict[str, Buyer]).decode
_SOLD = ", ".join(f"'{state}'" for state in sorted(SOLD))
_MS = "floor(extract(epoch FROM {}) * 1000)::bigint"

_TEAM = (
    "team_id, deal_id, version, state, size, least, waived, leader, invite, listed, reached, why,"
    f" {_MS.format('deadline_was')} AS deadline_was"
)
_ORDER = f"""
SELECT seat_id, viewer, quantity, state, price, given_back, reference,
       (SELECT {_MS.format("due_at")} FROM deadline
         WHERE room_id = $2 AND kind = 'repay' AND id = seat_id) AS repay_until
  FROM team_order WHERE seat_id = ANY($1) ORDER BY seat_id"""
_PAYMENT = (
    "payment_id, seat_id, amount, currency, exponent, way, wanted, state, reference, url,"
    f" {_MS.format('url_until')} AS url_until, expires_in_s, description, order_reference,"
    " authorised, captured, refunded, moves"
)
_ROOM = "(SELECT room_id FROM deal WHERE deal_id = $1)"
#: teams of a deal for which the clock has something to do: one that settles has nothing before its grace is over. The
#: clock is one that an index can be searched for.
_DUE = f"""
  FROM team
 WHERE deal_id = $1 AND (
       (state = 'forming' AND (
           team_id IN (SELECT id FROM deadline
                        WHERE room_id = {_ROOM} AND kind = 'team' AND due_at <= statement_timestamp())
        OR team_id IN (SELECT team_id FROM seat
                        WHERE state IN ('held', 'paying') AND hold_at <= statement_timestamp() AND seat.deal_id = $1)))
    OR (state = 'settling' AND team_id IN (
           SELECT id FROM deadline WHERE room_id = {_ROOM} AND kind = 'team'
              AND due_at <= statement_timestamp() - interval '{SETTLING_S} s')))
 ORDER BY team_id LIMIT $2"""
_GOING = " FROM team WHERE deal_id = $1 AND state IN ('forming', 'settling', 'complete') ORDER BY team_id LIMIT $2"
_UNTAKEN = "FOR NO KEY UPDATE SKIP LOCKED"  #: those that nobody else has in hand
#: all that a batch needs to know beside its teams: deadlines, the freeze and the clock at one moment, after the teams'
#: locks, and the deal, which its own lock keeps as it is. Arguments: deal, teams, buyers.
_LOOK = f"""
SELECT deal.*, (SELECT json_agg(t)::text FROM deal_terms t WHERE t.deal_id = $1) AS terms,
       {_MS.format("least(clock_timestamp(), room.frozen_at)")} AS now_ms, frozen_at IS NOT NULL AS frozen,
       ARRAY(SELECT (SELECT {_MS.format("due_at")} FROM deadline d
                      WHERE d.room_id = deal.room_id AND d.kind = 'team' AND d.id = t.id)
               FROM unnest($2::text[]) WITH ORDINALITY AS t (id, n) ORDER BY n) AS due,
       (SELECT {_MS.format("due_at")} FROM deadline d
         WHERE d.room_id = deal.room_id AND d.kind = 'deal' AND d.id = $1) AS closes_at,
       coalesce((room.state->>'video_delay_ms')::int, 0) AS delay_ms,
       EXISTS(SELECT FROM show WHERE show.room_id = deal.room_id AND ended_at >= deal.opened_at) AS show_over,
       (SELECT json_object_agg(viewer, b)::text FROM (
            SELECT seat.viewer, max(seat.team_id) FILTER (WHERE seat.state IN ('held', 'paying', 'paid')) AS team_id,
                   count(*) FILTER (WHERE o.state IN ({_SOLD})) AS bought
              FROM seat LEFT JOIN team_order o USING (seat_id)
             WHERE seat.viewer = ANY($3) AND seat.deal_id = $1 GROUP BY seat.viewer) b) AS buyers
  FROM deal JOIN room USING (room_id) WHERE deal_id = $1"""


@dataclass(slots=True)
class Named:
    """What a batch names."""

    teams: set[str] = field(default_factory=set)
    invites: set[str] = field(default_factory=set)
    seats: set[str] = field(default_factory=set)  #: their teams are loaded
    payments: set[str] = field(default_factory=set)  #: the teams of their seats are loaded; orders may become unpaid
    buyers: set[str] = field(default_factory=set)
    opens: bool = False  #: it may open teams
    money: bool = False  #: orders and payments of the teams, too
    returns: bool = False  #: and refunds that staff asked for
    changes: bool = False  #: it changes the deal itself
    going: int = 0  #: instead of any named: so many that have not failed
    due: int = 0  #: instead of any named: so many teams that the clock has business with
    looks: bool = False  #: only looks: nothing is locked


@dataclass(frozen=True, slots=True)
class Loaded:
    """The rows as they were read, to see what must be written."""

    deal: Deal
    teams: Mapping[str, Team]
    orders: Mapping[str, Order]
    payments: Mapping[str, Payment]
    returns: Mapping[str, Return]

    @classmethod
    def of(cls, book: Book) -> Loaded:
        return cls(book.deal, dict(book.teams), dict(book.orders), dict(book.payments), dict(book.returns))


async def load(tx: Connection, deal_id: str, named: Named) -> Book | None:
    """Lock and read what a batch names; None: there is no such deal.

    Cost: four statements for a batch of joins, however large the deal; opens, money and waivers cost one to three more.
    """
    if named.changes:
        # The room first, as its desk does: what happens is told to everybody, and no deadline moves meanwhile.
        await tx.execute(f"SELECT FROM room WHERE room_id = {_ROOM} FOR NO KEY UPDATE", deal_id)
    elif named.opens or (named.payments and not named.looks):
        room_id = await tx.fetchval("SELECT room_id FROM deal WHERE deal_id = $1", deal_id)
        if room_id is None:
            return None
        await deadlines.stand_by(tx, room_id)
    if not named.looks:
        await hold(tx, deal_id, alone=named.changes)
    teams = await _load_teams(tx, deal_id, named)
    team_ids = [each["team_id"] for each in teams]
    seats = await _load_seats(tx, team_ids)
    row = await tx.fetchrow(_LOOK, deal_id, team_ids, list(named.buyers))
    if row is None:
        return None
    terms = {each.version: each for each in _terms(row["terms"])}
    book = Book(
        now_ms=row["now_ms"],
        frozen=row["frozen"],
        delay_ms=row["delay_ms"],
        show_over=row["show_over"],
        deal=_deal(row, terms[row["version"]], row["closes_at"]),
        terms=terms,
        buyers=_buyers(row["buyers"]) if row["buyers"] else {},
    )
    for each, due_at in zip(teams, row["due"], strict=True):
        deadline_ms = due_at or each["deadline_was"] or 0
        book.take(_team(each, deadline_ms, tuple(seats.get(each["team_id"], ()))))
    # Any version may ask for new customers: teams live on under the one that they were opened under.
    if named.buyers and any(each.new_only for each in terms.values()):
        await _load_customers(tx, book, named.buyers)
    if named.opens or named.changes:
        stock = await tx.fetchrow("SELECT * FROM deal_stock WHERE deal_id = $1 FOR NO KEY UPDATE", deal_id)
        assert stock is not None
        book.stock = Stock(stock["initial"], stock["sold"], stock["held"], stock["free"], stock["most_held"])
    if named.money:
        await _load_money(tx, book, "" if named.looks else "FOR NO KEY UPDATE")
    if named.returns:
        await _load_returns(tx, book)
    return book


async def look(connection: Connection, deal_id: str, named: Named) -> Book | None:
    """As `load`, but nothing is locked, and all of it is of one moment: a team that ended between two statements would
    have its deadline in neither.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return await load(connection, deal_id, replace(named, looks=True))


async def deals_of(connection: Connection, room_id: str, before: str, limit: int) -> list[Deal]:
    """A room's deals without their teams, newest first, from before an id on.

    Cost: one statement.
    """
    rows = await connection.fetch(
        f"""
        SELECT deal.*, (SELECT json_agg(t)::text FROM deal_terms t
                         WHERE t.deal_id = deal.deal_id AND t.version = deal.version) AS terms,
               (SELECT {_MS.format("due_at")} FROM deadline d
                 WHERE d.room_id = deal.room_id AND d.kind = 'deal' AND d.id = deal.deal_id) AS closes_at
          FROM deal WHERE room_id = $1 AND deal_id < $2 ORDER BY deal_id DESC LIMIT $3""",
        room_id,
        before,
        limit,
    )
    return [_deal(row, _terms(row["terms"])[0], row["closes_at"]) for row in rows]


async def hold(tx: Connection, deal_id: str, *, alone: bool = False) -> None:
    """Keep a deal as it is until this transaction ends, with others who only need that, or alone.

    An advisory lock stands in line. On the row itself, those who share it go past who waits to change it: in a rush no
    deal could be paused or taken back, and whoever tried would keep the room's lock meanwhile, and the host silent.
    """
    await tx.execute(
        f"SELECT pg_advisory_xact_lock{'' if alone else '_shared'}(hashtextextended($1, 0))", _LOCK + deal_id
    )


async def _load_teams(tx: Connection, deal_id: str, named: Named) -> list[Any]:
    if named.due:
        return await tx.fetch(f"SELECT {_TEAM} {_DUE} {_UNTAKEN}", deal_id, named.due)
    if named.going:
        return await tx.fetch(f"SELECT {_TEAM} {_GOING} {_UNTAKEN}", deal_id, named.going)
    ids = set(named.teams)
    if named.seats or named.payments:
        # A seat never changes its team, so this needs no lock.
        ids |= {
            row["team_id"]
            for row in await tx.fetch(
                "SELECT team_id FROM seat WHERE deal_id = $3 AND (seat_id = ANY($1) OR seat_id IN"
                " (SELECT seat_id FROM payment WHERE payment_id = ANY($2)))",
                list(named.seats),
                list(named.payments),
                deal_id,
            )
        }
    if not ids and not named.invites and not named.buyers:
        return []
    # Ids first: with an OR of two ways to a row, Postgres would compare every team of the deal with all of both.
    # The team of a buyer whose hold seems over comes along: it may be all that is in the way.
    return await tx.fetch(
        f"SELECT {_TEAM} FROM team WHERE deal_id = $1"
        " AND team_id = ANY($2 || ARRAY(SELECT team_id FROM team WHERE invite = ANY($3))"
        "                      || ARRAY(SELECT team_id FROM seat WHERE deal_id = $1 AND viewer = ANY($4)"
        "                                  AND state = 'held' AND hold_at <= statement_timestamp()))"
        f" ORDER BY team_id {'' if named.looks else 'FOR NO KEY UPDATE'}",
        deal_id,
        list(ids),
        list(named.invites),
        list(named.buyers),
    )


async def teams_of(connection: Connection, deal_id: str, named: Named) -> list[str]:
    """Ids of the teams that `named.due` or `named.going` would load, those in hand elsewhere included."""
    if named.due:
        rows = await connection.fetch(f"SELECT team_id {_DUE}", deal_id, named.due)
    else:
        rows = await connection.fetch(f"SELECT team_id {_GOING}", deal_id, named.going)
    return [row["team_id"] for row in rows]


async def _load_seats(tx: Connection, team_ids: Sequence[str]) -> dict[str, list[Seat]]:
    """By team. Not in the statement that locks the teams: it would not see what was committed while it waited."""
    seats: dict[str, list[Seat]] = {}
    if team_ids:
        for row in await tx.fetch(
            """
            SELECT seat_id, team_id, viewer, name, number, state, hold_ms, why FROM seat
             WHERE team_id = ANY($1) ORDER BY team_id, number""",
            team_ids,
        ):
            seats.setdefault(row["team_id"], []).append(_seat(row))
    return seats


#: not `EXISTS`, which Postgres may turn into a list of all who ever bought of the shop, made anew for each batch
_CUSTOMERS = f"""
SELECT viewer FROM unnest($1::text[]) AS v (viewer)
 WHERE coalesce((SELECT true FROM purchase p WHERE p.shop_id = $2 AND p.pseudonym = viewer LIMIT 1),
                (SELECT true FROM seat JOIN team_order o USING (seat_id) JOIN deal d ON d.deal_id = seat.deal_id
                  WHERE d.shop_id = $2 AND seat.viewer = v.viewer
                    AND (o.state IN ({_SOLD}) OR (o.state = 'placed' AND d.deal_id <> $3)) LIMIT 1), false)"""


async def _load_customers(tx: Connection, book: Book, viewers: Collection[str]) -> None:
    """Who of them bought in this shop before, or has paid for a seat of another deal whose team still forms."""
    for row in await tx.fetch(_CUSTOMERS, list(viewers), book.deal.shop_id, book.deal.deal_id):
        book.buyers[row["viewer"]] = replace(book.buyers.get(row["viewer"], Buyer()), customer=True)


async def _load_money(tx: Connection, book: Book, lock: str) -> None:
    seats = [seat.seat_id for team in book.teams.values() for seat in team.seats]
    if not seats:
        return
    for row in await tx.fetch(f"{_ORDER} {lock}", seats, book.deal.room_id):
        book.orders[row["seat_id"]] = Order(**{**row, "state": OrderState(row["state"])})
    for row in await tx.fetch(
        f"SELECT {_PAYMENT} FROM payment WHERE seat_id = ANY($1) ORDER BY payment_id {lock}", seats
    ):
        book.payments[row["payment_id"]] = Payment(**row)


async def _load_returns(tx: Connection, book: Book) -> None:
    for row in await tx.fetch(
        """
        SELECT refund_id, asker, body::text, coalesce(op.state = 'pending', false) AS moving
          FROM order_refund LEFT JOIN payment_op op ON op_id = 'refund_' || refund_id
         WHERE seat_id = ANY($1) ORDER BY refund_id""",
        list(book.orders),
    ):
        book.returns[row["refund_id"]] = Return(_request(row["body"]), row["asker"], row["moving"])


async def asked_refunds(connection: Connection, room_id: str) -> list[RefundRequest]:
    """Refunds of a room's orders that wait for a second operator."""
    rows = await connection.fetch(
        """
        SELECT body::text FROM deal JOIN order_refund USING (deal_id)
         WHERE room_id = $1 AND order_refund.state = 'asked'""",
        room_id,
    )
    return [_request(row["body"]) for row in rows]


async def order_of(connection: Connection, refund_id: str) -> str:
    """The order that a refund is of; empty: there is no such refund."""
    return (await connection.fetchval("SELECT seat_id FROM order_refund WHERE refund_id = $1", refund_id)) or ""


async def find_payment(connection: Connection, payment_id: str) -> tuple[str, Payment] | None:
    """Deal and payment, without a lock: who acts on it locks downward from its team."""
    row = await connection.fetchrow(f"SELECT deal_id, {_PAYMENT} FROM payment WHERE payment_id = $1", payment_id)
    return None if row is None else (row["deal_id"], Payment(**dict(list(row.items())[1:])))


def _deal(row: Any, terms: Terms, closes_at: int | None) -> Deal:
    return Deal(
        deal_id=row["deal_id"],
        room_id=row["room_id"],
        shop_id=row["shop_id"],
        product_id=row["product_id"],
        variant_id=row["variant_id"],
        title=row["title"],
        state=DealState(row["state"]),
        currency=row["currency"],
        exponent=row["exponent"],
        tax_included=row["tax_included"],
        single_price=row["single_price"],
        units=row["units"],
        stock=row["stock"],
        terms=terms,
        closes_at=closes_at,
        sold_out=row["sold_out"],
        why=row["why"],
        reference=row["reference"],
    )


def _seat(row: Any) -> Seat:
    return Seat(
        row["seat_id"], row["viewer"], row["number"], row["hold_ms"], SeatState(row["state"]), row["name"], row["why"]
    )


def _team(row: Any, deadline_ms: int, seats: tuple[Seat, ...]) -> Team:
    return Team(
        team_id=row["team_id"],
        deal_id=row["deal_id"],
        version=row["version"],
        size=row["size"],
        least=row["least"],
        deadline_ms=deadline_ms,
        leader=row["leader"],
        invite=row["invite"],
        listed=row["listed"],
        seats=seats,
        state=TeamState(row["state"]),
        waived=row["waived"],
        reached=row["reached"],
        why=row["why"],
    )
