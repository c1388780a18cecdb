"""SQL behind the book: loads what a batch names, under locks in one fixed order, and writes what became different.

The order, everywhere: the room (only who changes a deal) or its deadlines
(shared, who opens a team) -> deal (shared; exclusive for those who change it)
-> team -> stock -> order, payment -> room log. A seat changes under its team's
lock alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, TypeVar

import msgspec

from livestream.protocol.groupbuy import DealState, OrderState, SeatState, TeamState
from livestream.storage import deadlines
from livestream.storage.deadlines import Deadline
from livestream.storage.pool import Connection

from .book import Book, Buyer
from .deal import Deal, Stock, Terms
from .money import Payment
from .order import Order
from .team import GOING, Seat, Team

TEAM, DEAL = "team", "deal"  #: kinds of deadlines
_terms = msgspec.json.Decoder(list[Terms]).decode
_encode = msgspec.json.Encoder().encode
_MS = "floor(extract(epoch FROM {}) * 1000)::bigint"
_Row = TypeVar("_Row")

_TEAM = (
    "team_id, deal_id, version, state, size, least, waived, leader, invite, listed, reached, why,"
    f" {_MS.format('deadline_was')} AS deadline_was"
)
_ORDER = f"seat_id, viewer, quantity, state, price, {_MS.format('repay_until')} AS repay_until"
_PAYMENT = (
    "payment_id, seat_id, amount, currency, exponent, way, wanted, state, reference, url,"
    f" {_MS.format('url_until')} AS url_until, expires_in_s, description, authorised, captured, refunded, moves"
)
#: teams of a deal for which the clock has something to do, and that nobody else has in hand; the clock is one that an
#: index can be searched for
_DUE = f"""
SELECT {_TEAM} FROM team
 WHERE deal_id = $1 AND state IN ('forming', 'settling') AND (
       team_id IN (SELECT id FROM deadline WHERE room_id = $2 AND kind = 'team' AND due_at <= statement_timestamp())
    OR team_id IN (SELECT team_id FROM seat
                    WHERE state IN ('held', 'paying') AND hold_at <= statement_timestamp() AND seat.deal_id = $1))
 ORDER BY team_id LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED"""


@dataclass(slots=True)
class Named:
    """What a batch names."""

    teams: set[str] = field(default_factory=set)
    invites: set[str] = field(default_factory=set)
    seats: set[str] = field(default_factory=set)  #: their teams are loaded
    payments: set[str] = field(default_factory=set)  #: the teams of their seats are loaded
    buyers: set[str] = field(default_factory=set)
    opens: bool = False  #: it may open teams
    money: bool = False  #: orders and payments of the teams, too
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

    @classmethod
    def of(cls, book: Book) -> Loaded:
        return cls(book.deal, dict(book.teams), dict(book.orders), dict(book.payments))


async def load(tx: Connection, deal_id: str, named: Named) -> Book | None:
    """Lock and read what a batch names; None: there is no such deal.

    Cost: five statements for a batch of joins; opens, money and waivers cost one to three more.
    """
    if named.changes:
        # The room first, as its desk does: what happens is told to everybody, and no deadline moves meanwhile.
        await tx.execute(
            "SELECT FROM room WHERE room_id = (SELECT room_id FROM deal WHERE deal_id = $1) FOR NO KEY UPDATE", deal_id
        )
    elif named.opens:
        room_id = await tx.fetchval("SELECT room_id FROM deal WHERE deal_id = $1", deal_id)
        if room_id is None:
            return None
        await deadlines.stand_by(tx, room_id)
    lock = "" if named.looks else "FOR NO KEY UPDATE" if named.changes else "FOR SHARE"
    row = await tx.fetchrow(
        "SELECT *, (SELECT json_agg(t)::text FROM deal_terms t WHERE t.deal_id = $1) AS terms"
        f" FROM deal WHERE deal_id = $1 {lock}",
        deal_id,
    )
    if row is None:
        return None
    terms = {each.version: each for each in _terms(row["terms"])}
    teams = await _load_teams(tx, deal_id, row["room_id"], named)
    team_ids = [each["team_id"] for each in teams]
    seats: dict[str, list[Seat]] = {}
    if team_ids:
        for each in await tx.fetch(
            """
            SELECT seat_id, team_id, viewer, name, number, state, hold_ms, why FROM seat
             WHERE team_id = ANY($1) ORDER BY team_id, number""",
            team_ids,
        ):
            seats.setdefault(each["team_id"], []).append(_seat(each))
    # Deadlines, the freeze and the clock are read in one statement, after the teams' locks.
    clock = await tx.fetchrow(
        f"""
        SELECT {_MS.format("least(clock_timestamp(), room.frozen_at)")} AS now_ms, frozen_at IS NOT NULL AS frozen,
               ARRAY(SELECT (SELECT {_MS.format("due_at")} FROM deadline d
                              WHERE d.room_id = $1 AND d.kind = 'team' AND d.id = t.id)
                       FROM unnest($2::text[]) WITH ORDINALITY AS t (id, n) ORDER BY n) AS due,
               (SELECT {_MS.format("due_at")} FROM deadline d
                 WHERE d.room_id = $1 AND d.kind = 'deal' AND d.id = $3) AS closes_at
          FROM room WHERE room_id = $1""",
        row["room_id"],
        team_ids,
        deal_id,
    )
    assert clock is not None
    book = Book(
        now_ms=clock["now_ms"],
        frozen=clock["frozen"],
        deal=_deal(row, terms[row["version"]], clock["closes_at"]),
        terms=terms,
    )
    for each, due_at in zip(teams, clock["due"], strict=True):
        deadline_ms = due_at or each["deadline_was"] or 0
        book.take(_team(each, deadline_ms, tuple(seats.get(each["team_id"], ()))))
    if named.buyers:
        book.buyers = await _load_buyers(tx, book.deal, named.buyers)
    if named.opens or named.changes:
        stock = await tx.fetchrow("SELECT * FROM deal_stock WHERE deal_id = $1 FOR NO KEY UPDATE", deal_id)
        assert stock is not None
        book.stock = Stock(stock["initial"], stock["sold"], stock["held"], stock["free"], stock["most_held"])
    if named.money:
        await _load_money(tx, book, "" if named.looks else "FOR NO KEY UPDATE")
    return book


async def _load_teams(tx: Connection, deal_id: str, room_id: str, named: Named) -> list[Any]:
    if named.due:
        return await tx.fetch(_DUE, deal_id, room_id, named.due)
    if named.going:
        return await tx.fetch(
            f"SELECT {_TEAM} FROM team WHERE deal_id = $1 AND state IN ('forming', 'settling', 'complete')"
            " ORDER BY team_id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED",
            deal_id,
            named.going,
        )
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
    if not ids and not named.invites:
        return []
    return await tx.fetch(
        f"SELECT {_TEAM} FROM team WHERE deal_id = $1 AND (team_id = ANY($2) OR invite = ANY($3))"
        f" ORDER BY team_id {'' if named.looks else 'FOR NO KEY UPDATE'}",
        deal_id,
        list(ids),
        list(named.invites),
    )


async def _load_buyers(tx: Connection, deal: Deal, viewers: Collection[str]) -> dict[str, Buyer]:
    rows = await tx.fetch(
        """
        SELECT viewer, max(team_id) FILTER (WHERE state IN ('held', 'paying', 'paid')) AS team_id,
               count(*) FILTER (WHERE state = 'confirmed') AS bought
          FROM seat WHERE viewer = ANY($1) AND deal_id = $2 GROUP BY viewer""",
        list(viewers),
        deal.deal_id,
    )
    found = {row["viewer"]: Buyer(row["team_id"], row["bought"]) for row in rows}
    if deal.terms.new_only:
        for row in await tx.fetch(
            """
            SELECT viewer FROM unnest($1::text[]) AS v (viewer)
             WHERE EXISTS (SELECT FROM purchase p WHERE p.shop_id = $2 AND p.pseudonym = viewer)
                OR EXISTS (SELECT FROM seat s JOIN deal d USING (deal_id)
                            WHERE d.shop_id = $2 AND s.viewer = v.viewer AND s.state = 'confirmed')""",
            list(viewers),
            deal.shop_id,
        ):
            known = found.get(row["viewer"], Buyer())
            found[row["viewer"]] = Buyer(known.team_id, known.bought, customer=True)
    return found


async def _load_money(tx: Connection, book: Book, lock: str) -> None:
    seats = [seat.seat_id for team in book.teams.values() for seat in team.seats]
    if not seats:
        return
    for row in await tx.fetch(
        f"SELECT {_ORDER} FROM team_order WHERE seat_id = ANY($1) ORDER BY seat_id {lock}", seats
    ):
        book.orders[row["seat_id"]] = Order(**{**row, "state": OrderState(row["state"])})
    for row in await tx.fetch(
        f"SELECT {_PAYMENT} FROM payment WHERE seat_id = ANY($1) ORDER BY payment_id {lock}", seats
    ):
        book.payments[row["payment_id"]] = Payment(**row)


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


# -- writing


async def write(tx: Connection, book: Book, before: Loaded) -> None:
    """Write what a batch changed, table by table in the order of the locks, rows in the order of their keys."""
    teams = sorted((each for each in book.teams.values() if before.teams.get(each.team_id) is not each), key=_team_id)
    fresh = [each for each in teams if each.team_id not in before.teams]
    old = [each for each in teams if each.team_id in before.teams]
    if fresh:
        await _insert_teams(tx, fresh)
        await deadlines.put(tx, [Deadline(book.deal.room_id, TEAM, each.team_id, each.deadline_ms) for each in fresh])
    if old:
        await _update_teams(tx, old)
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
    await _write_seats(tx, teams, before)
    caused = book.caused
    if caused.sold or caused.held or caused.free:
        await tx.execute(
            "UPDATE deal_stock SET sold = sold + $2, held = held + $3, free = free + $4 WHERE deal_id = $1",
            book.deal.deal_id,
            caused.sold,
            caused.held,
            caused.free,
        )
    await _write_orders(tx, book, _different(book.orders, before.orders))
    await _write_payments(tx, book, _different(book.payments, before.payments))
    await _write_ops(tx, book)


def _different(now: Mapping[str, _Row], before: Mapping[str, _Row]) -> list[_Row]:
    return [now[key] for key in sorted(now) if before.get(key) is not now[key]]


def _team_id(team: Team) -> str:
    return team.team_id


def _columns(rows: Sequence[_Row], *columns: Callable[[_Row], Any]) -> list[list[Any]]:
    return [[column(row) for row in rows] for column in columns]


async def _insert_teams(tx: Connection, teams: Sequence[Team]) -> None:
    await tx.execute(
        """
        INSERT INTO team (team_id, deal_id, version, state, size, least, held, paid, waived, leader, invite, listed)
        SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::smallint[], $6::smallint[],
                             $7::smallint[], $8::smallint[], $9::smallint[], $10::text[], $11::text[], $12::bool[])""",
        *_columns(
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


async def _update_teams(tx: Connection, teams: Sequence[Team]) -> None:
    await tx.execute(
        """
        UPDATE team SET state = c.state, held = c.held, paid = c.paid, waived = c.waived, leader = c.leader,
               reached = c.reached, why = c.why,
               ended_at = CASE WHEN c.state IN ('forming', 'settling') THEN NULL
                               ELSE coalesce(ended_at, clock_timestamp()) END
          FROM unnest($1::text[], $2::text[], $3::smallint[], $4::smallint[], $5::smallint[], $6::text[],
                      $7::smallint[], $8::text[]) AS c (team_id, state, held, paid, waived, leader, reached, why)
         WHERE team.team_id = c.team_id""",
        *_columns(
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


async def _write_seats(tx: Connection, teams: Sequence[Team], before: Loaded) -> None:
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
            *_columns(
                sorted(old, key=lambda pair: pair[1].seat_id),
                lambda pair: pair[1].seat_id,
                lambda pair: pair[1].state,
                lambda pair: pair[1].hold_ms,
                lambda pair: pair[1].why,
                lambda pair: pair[0].deadline_ms - pair[1].hold_ms,
            ),
        )
    if fresh:
        await tx.execute(
            """
            INSERT INTO seat (seat_id, team_id, deal_id, viewer, name, number, state, hold_ms, why, hold_at)
            SELECT seat_id, team_id, deal_id, viewer, name, number, state, hold_ms, why, to_timestamp(hold_at / 1000.0)
              FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::text[],
                          $8::bigint[], $9::text[], $10::bigint[])
                AS c (seat_id, team_id, deal_id, viewer, name, number, state, hold_ms, why, hold_at)""",
            *_columns(
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


async def _write_orders(tx: Connection, book: Book, orders: Sequence[Order]) -> None:
    if not orders:
        return
    team_of = {seat.seat_id: team.team_id for team in book.teams.values() for seat in team.seats}
    await tx.execute(
        """
        INSERT INTO team_order (seat_id, team_id, deal_id, viewer, quantity, state, price, repay_until)
        SELECT seat_id, team_id, $1, viewer, quantity, state, price, to_timestamp(repay_until / 1000.0)
          FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::bigint[], $8::bigint[])
            AS c (seat_id, team_id, viewer, quantity, state, price, repay_until)
            ON CONFLICT (seat_id) DO UPDATE
           SET state = excluded.state, price = excluded.price, repay_until = excluded.repay_until""",
        book.deal.deal_id,
        *_columns(
            orders,
            lambda each: each.seat_id,
            lambda each: team_of[each.seat_id],
            lambda each: each.viewer,
            lambda each: each.quantity,
            lambda each: each.state,
            lambda each: each.price,
            lambda each: each.repay_until,
        ),
    )


async def _write_payments(tx: Connection, book: Book, payments: Sequence[Payment]) -> None:
    if not payments:
        return
    # Those that are wanted no more first: a seat has one wanted payment at any moment.
    for some in ([each for each in payments if not each.wanted], [each for each in payments if each.wanted]):
        await tx.executemany(
            """
            INSERT INTO payment (payment_id, seat_id, deal_id, amount, currency, exponent, way, wanted, state,
                                 reference, url, url_until, expires_in_s, description, authorised, captured, refunded,
                                 moves)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, to_timestamp($12::double precision / 1000), $13,
                    $14, $15, $16, $17, $18)
                ON CONFLICT (payment_id) DO UPDATE
               SET wanted = excluded.wanted, state = excluded.state, reference = excluded.reference,
                   url = excluded.url, url_until = excluded.url_until, authorised = excluded.authorised,
                   captured = excluded.captured, refunded = excluded.refunded, moves = excluded.moves""",
            [
                (
                    each.payment_id, each.seat_id, book.deal.deal_id, each.amount, each.currency, each.exponent,
                    each.way, each.wanted, each.state, each.reference, each.url, each.url_until, each.expires_in_s,
                    each.description, each.authorised, each.captured, each.refunded, each.moves,
                )
                for each in some
            ],
        )  # fmt: skip
    if book.caused.moves:
        await tx.executemany(
            "INSERT INTO ledger (payment_id, number, buyer, held, cash) VALUES ($1, $2, $3, $4, $5)",
            [(each.payment_id, each.number, each.buyer, each.held, each.cash) for each in book.caused.moves],
        )


async def _write_ops(tx: Connection, book: Book) -> None:
    caused = book.caused
    if caused.ops:
        # An undo that was done comes back to life when money turns up late; its key stays, so no effect is doubled.
        await tx.executemany(
            """
            INSERT INTO payment_op (op_id, payment_id, deal_id, kind, amount) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (op_id) DO UPDATE
               SET state = 'pending', next_at = clock_timestamp(), amount = excluded.amount, done_at = NULL
             WHERE payment_op.state <> 'pending' AND payment_op.kind = 'undo'""",
            [(op.op_id, op.payment_id, book.deal.deal_id, op.kind, op.amount) for _, op in sorted(caused.ops.items())],
        )
    if caused.done_ops:
        ids = sorted(caused.done_ops)
        await tx.execute(
            """
            UPDATE payment_op SET state = c.state, lease = NULL, done_at = clock_timestamp()
              FROM unnest($1::text[], $2::text[]) AS c (op_id, state)
             WHERE payment_op.op_id = c.op_id AND payment_op.state = 'pending'""",
            ids,
            [caused.done_ops[each] for each in ids],
        )


async def insert_deal(tx: Connection, deal: Deal, most_held: int) -> None:
    """A new deal with its rules, stock and deadline. The caller holds the room's lock."""
    await tx.execute(
        """
        INSERT INTO deal (deal_id, room_id, shop_id, product_id, variant_id, title, state, currency, exponent,
                          tax_included, single_price, units, stock, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)""",
        deal.deal_id,
        deal.room_id,
        deal.shop_id,
        deal.product_id,
        deal.variant_id,
        deal.title,
        deal.state,
        deal.currency,
        deal.exponent,
        deal.tax_included,
        deal.single_price,
        deal.units,
        deal.stock,
        deal.terms.version,
    )
    await insert_terms(tx, deal)
    await tx.execute(
        "INSERT INTO deal_stock (deal_id, initial, free, most_held) VALUES ($1, $2, $2, $3)",
        deal.deal_id,
        deal.stock,
        most_held,
    )
    if deal.closes_at is not None:
        await deadlines.put(tx, [Deadline(deal.room_id, DEAL, deal.deal_id, deal.closes_at)])


async def insert_terms(tx: Connection, deal: Deal) -> None:
    terms = deal.terms
    await tx.execute(
        """
        INSERT INTO deal_terms (deal_id, version, steps, leader_discount, life_s, hold_s, per_viewer, new_only, share)
        VALUES ($1, $2, $3::text::json, $4, $5, $6, $7, $8, $9)""",
        deal.deal_id,
        terms.version,
        _encode(terms.steps).decode(),
        terms.leader_discount,
        terms.life_s,
        terms.hold_s,
        terms.per_viewer,
        terms.new_only,
        terms.share,
    )


async def write_deal(tx: Connection, book: Book, before: Deal) -> None:
    """What an operator changed. The caller holds the room's and the deal's lock."""
    deal = book.deal
    await tx.execute(
        "UPDATE deal SET state = $2, version = $3, sold_out = $4, why = $5 WHERE deal_id = $1",
        deal.deal_id,
        deal.state,
        deal.terms.version,
        deal.sold_out,
        deal.why,
    )
    if deal.terms.version != before.terms.version:
        await insert_terms(tx, deal)
        # Lowering the share takes nothing from teams that are open.
        await tx.execute(
            "UPDATE deal_stock SET most_held = greatest(held, initial * $2::bigint / 100) WHERE deal_id = $1",
            deal.deal_id,
            deal.terms.share,
        )
    if deal.closes_at is None:
        await deadlines.drop(tx, deal.room_id, DEAL, [deal.deal_id])
    elif deal.closes_at != before.closes_at:
        await deadlines.put(tx, [Deadline(deal.room_id, DEAL, deal.deal_id, deal.closes_at)])


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
