"""Audit: every invariant of group buys over a whole database. Each is a query that returns the rows that break it.

A transaction that sees one moment runs them all, so the audit may run beside
load. What is under way is no fault: an order whose money is on its way has an
operation in the outbox, and a row without one is a fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from livestream.storage.pool import Connection, Database

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule, in words, and what breaks it, in SQL."""

    rule: str
    broken: str
    settled: bool = False  #: holds only once nothing is under way


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that is broken."""

    rule: str
    rows: Sequence[dict[str, Any]]


_SEATS = """
SELECT team_id, count(*) FILTER (WHERE state IN ('held', 'paying')) AS held,
       count(*) FILTER (WHERE state IN ('paid', 'confirmed')) AS paid,
       count(*) FILTER (WHERE state IN ('held', 'paying', 'paid')) AS live
  FROM seat GROUP BY team_id"""

INVARIANTS = (
    Invariant(
        "a team has no more seats than its size, and counts them right",
        f"""
        SELECT team_id, size, team.held, team.paid, waived, s.held AS seats_held, s.paid AS seats_paid
          FROM team JOIN ({_SEATS}) s USING (team_id)
         WHERE team.held <> s.held OR team.paid <> s.paid OR s.held + s.paid + waived > size""",
    ),
    Invariant(
        "a seat has a team of its own deal",
        """
        SELECT seat_id, seat.team_id FROM seat LEFT JOIN team USING (team_id)
         WHERE team.team_id IS NULL OR team.deal_id <> seat.deal_id""",
    ),
    Invariant(
        "sold + held + left is the stock, none below zero",
        "SELECT * FROM deal_stock WHERE sold + held + free <> initial OR least(sold, held, free) < 0",
    ),
    Invariant(
        "what teams hold is the size of those that form",
        """
        SELECT s.deal_id, s.held, coalesce(sum(size * units), 0) AS of_teams
          FROM deal_stock s JOIN deal USING (deal_id)
          LEFT JOIN team ON team.deal_id = s.deal_id AND team.state IN ('forming', 'settling')
         GROUP BY s.deal_id, s.held HAVING s.held <> coalesce(sum(size * units), 0)""",
    ),
    Invariant(
        "what is sold is the orders of complete teams",
        """
        SELECT s.deal_id, s.sold, coalesce(sum(quantity), 0) AS ordered FROM deal_stock s
          LEFT JOIN team_order o ON o.deal_id = s.deal_id AND o.state IN ('confirming', 'confirmed', 'unpaid')
         GROUP BY s.deal_id, s.sold HAVING s.sold <> coalesce(sum(quantity), 0)""",
    ),
    Invariant(
        "open teams hold no more than their share",
        "SELECT * FROM deal_stock WHERE held > most_held",
    ),
    Invariant(
        "a viewer has one live seat a deal",
        """
        SELECT deal_id, viewer, count(*) FROM seat WHERE state IN ('held', 'paying', 'paid')
         GROUP BY deal_id, viewer HAVING count(*) > 1""",
    ),
    Invariant(
        "a viewer buys no more seats than the deal's limit",
        """
        SELECT o.deal_id, o.viewer, count(DISTINCT seat_id) FROM team_order o JOIN deal_terms t USING (deal_id)
         WHERE o.state IN ('confirming', 'confirmed', 'unpaid') GROUP BY o.deal_id, o.viewer
        HAVING count(DISTINCT seat_id) > max(t.per_viewer)""",
    ),
    Invariant(
        "who leads has a live seat in the team",
        """
        SELECT team.team_id, leader FROM team LEFT JOIN seat ON seat_id = leader AND seat.team_id = team.team_id
         WHERE team.state IN ('forming', 'settling')
           AND coalesce(seat.state, '') NOT IN ('held', 'paying', 'paid')""",
    ),
    Invariant(
        "a team that forms has a deadline, and one that ended has none",
        """
        SELECT team_id, team.state, due_at FROM team JOIN deal USING (deal_id)
          LEFT JOIN deadline d ON d.room_id = deal.room_id AND kind = 'team' AND id = team_id
         WHERE (due_at IS NOT NULL) <> (team.state IN ('forming', 'settling'))""",
    ),
    Invariant(
        "a complete team reached a step, and its seats are confirmed",
        """
        SELECT team_id, reached, least FROM team
         WHERE state = 'complete' AND (reached < least OR EXISTS (
               SELECT FROM seat WHERE seat.team_id = team.team_id AND seat.state IN ('held', 'paying', 'paid')))""",
    ),
    Invariant(
        "a failed team has no seats",
        """
        SELECT team_id, team.state, seat_id, seat.state AS seat FROM team JOIN seat USING (team_id)
         WHERE team.state IN ('expired', 'voided') AND seat.state <> 'released'""",
    ),
    Invariant(
        "a paid seat has an order, and an order that stands has its seat",
        """
        SELECT seat_id, seat.state, o.state AS order_state FROM seat LEFT JOIN team_order o USING (seat_id)
         WHERE (seat.state = 'paid' AND coalesce(o.state, '') <> 'placed')
            OR (seat.state = 'confirmed' AND o.seat_id IS NULL)
            OR (o.state = 'placed' AND seat.state <> 'paid')
            OR (o.state IN ('confirming', 'unpaid') AND seat.state <> 'confirmed')""",
    ),
    Invariant(
        "an order costs the price of the step that its team reached",
        """
        SELECT seat_id, price, reached FROM team_order o JOIN team USING (team_id)
          JOIN deal_terms t ON t.deal_id = team.deal_id AND t.version = team.version
         WHERE o.state IN ('confirming', 'confirmed', 'unpaid', 'lapsed') AND price NOT IN (
               SELECT (step->>'price')::bigint - CASE WHEN seat_id = leader THEN leader_discount ELSE 0 END
                 FROM json_array_elements(steps) step WHERE (step->>'people')::int <= reached
                ORDER BY (step->>'people')::int DESC LIMIT 1)""",
    ),
    Invariant(
        "a confirmed order's price was taken, no more and no less, but for what was given back of it",
        """
        SELECT o.seat_id, o.price, given_back, sum(captured - refunded) AS taken
          FROM team_order o LEFT JOIN payment p ON p.seat_id = o.seat_id AND p.wanted
         WHERE o.state = 'confirmed' GROUP BY o.seat_id, o.price, given_back
        HAVING o.price - given_back IS DISTINCT FROM sum(captured - refunded) OR given_back >= o.price""",
    ),
    Invariant(
        "what staff gave back of an order has come back",
        """
        SELECT o.seat_id, o.state, given_back, sum(op.amount) AS done
          FROM team_order o JOIN payment p ON p.seat_id = o.seat_id AND p.wanted JOIN payment_op op USING (payment_id)
         WHERE op.kind = 'refund' AND op.state = 'done' GROUP BY o.seat_id, o.state, given_back
        HAVING sum(op.amount) > given_back""",
    ),
    Invariant(
        "a refund that was confirmed stands in the outbox, and no other does",
        """
        SELECT refund_id, r.state, op.state AS op FROM order_refund r LEFT JOIN payment_op op
            ON op_id = 'refund_' || refund_id
         WHERE (r.state = 'confirmed') <> (coalesce(op.state, 'none') IN ('pending', 'done', 'dropped'))""",
    ),
    Invariant(
        "a refund's row says what staff are shown of it",
        """
        SELECT refund_id, state, seat_id, amount, body::text FROM order_refund
         WHERE (body->>'state', body->>'purchase', (body->>'amount')::bigint) <> (state, seat_id, amount)""",
    ),
    Invariant(
        "an unpaid order has a day to be paid again, and no other has",
        """
        SELECT coalesce(o.seat_id, id) AS seat_id, o.state, due_at FROM team_order o
          FULL JOIN (SELECT * FROM deadline WHERE kind = 'repay') d ON id = o.seat_id
         WHERE (due_at IS NOT NULL) <> (coalesce(o.state, '') = 'unpaid')""",
    ),
    Invariant(
        "a placed order's money is there",
        """
        SELECT o.seat_id FROM team_order o WHERE o.state = 'placed' AND NOT EXISTS (
               SELECT FROM payment p WHERE p.seat_id = o.seat_id AND p.wanted
                  AND (CASE p.state WHEN 'authorised' THEN authorised ELSE 0 END) + captured - refunded >= amount)""",
    ),
    Invariant(
        "an order on its way has something that moves it",
        """
        SELECT o.seat_id, o.state FROM team_order o
         WHERE o.state IN ('confirming', 'returning') AND NOT EXISTS (
               SELECT FROM payment p JOIN payment_op op USING (payment_id)
                WHERE p.seat_id = o.seat_id AND op.state = 'pending')""",
    ),
    Invariant(
        "money that nobody waits for is on its way back",
        """
        SELECT payment_id, state, captured, refunded FROM payment p
         WHERE NOT wanted AND (state = 'authorised' OR captured > refunded OR state IN ('opening', 'opened'))
           AND NOT EXISTS (SELECT FROM payment_op op
                            WHERE op.payment_id = p.payment_id AND kind = 'undo' AND op.state = 'pending')""",
    ),
    Invariant(
        "a seat that was given up waits for no payment",
        """
        SELECT seat_id, payment_id FROM seat JOIN payment USING (seat_id)
         WHERE seat.state = 'released' AND wanted AND payment.state NOT IN ('refused', 'expired')""",
    ),
    Invariant(
        "an order that is over waits for no payment",
        """
        SELECT seat_id, payment_id, o.state FROM team_order o JOIN payment USING (seat_id)
         WHERE o.state IN ('lapsed', 'returning', 'returned') AND wanted""",
    ),
    Invariant(
        "nothing is given back twice: refunds never exceed what was taken",
        "SELECT payment_id, captured, refunded FROM payment"
        " WHERE refunded > captured OR (wanted AND captured > amount)",
    ),
    Invariant(
        "the ledger sums to zero, row by row",
        "SELECT * FROM ledger WHERE buyer + held + cash <> 0",
    ),
    Invariant(
        "the ledger says of a payment what the payment says",
        """
        SELECT p.payment_id, p.state, coalesce(sum(held), 0) AS held, coalesce(sum(cash), 0) AS cash,
               captured - refunded AS taken
          FROM payment p LEFT JOIN ledger USING (payment_id) GROUP BY p.payment_id
        HAVING coalesce(sum(cash), 0) <> captured - refunded
            OR coalesce(sum(held), 0) <> CASE p.state WHEN 'authorised' THEN authorised ELSE 0 END
            OR count(number) <> moves""",
    ),
    Invariant(
        "cash is the price of confirmed orders, and of those on their way",
        """
        SELECT * FROM (SELECT deal_id, coalesce(sum(captured - refunded), 0) AS cash FROM payment p
                        WHERE NOT EXISTS (SELECT FROM payment_op op
                                           WHERE op.payment_id = p.payment_id AND op.state = 'pending')
                          AND NOT (wanted AND EXISTS (SELECT FROM team_order o
                                    WHERE o.seat_id = p.seat_id AND o.state = 'placed'))
                        GROUP BY deal_id) c
          FULL JOIN (SELECT deal_id, sum(price - given_back) AS sold FROM team_order o WHERE state = 'confirmed'
                        AND NOT EXISTS (SELECT FROM payment p JOIN payment_op op USING (payment_id)
                                         WHERE p.seat_id = o.seat_id AND op.state = 'pending')
                      GROUP BY deal_id) s USING (deal_id)
         WHERE coalesce(cash, 0) <> coalesce(sold, 0)""",
    ),
    Invariant(
        "an answer that was given stands: its seat is there, in its team, for that viewer",
        """
        SELECT key, actor, answer->'own'->>'seat' AS seat FROM idempotency
         WHERE answer->>'t' = 'seated' AND NOT EXISTS (
               SELECT FROM seat WHERE seat_id = answer->'own'->>'seat' AND (viewer = actor OR viewer LIKE 'erased-%')
                  AND team_id = answer->'own'->'team'->>'id')""",
    ),
    Invariant(
        "a deal that was taken back keeps nobody's money",
        """
        SELECT o.seat_id, o.state FROM team_order o JOIN deal USING (deal_id)
         WHERE deal.state = 'voided' AND o.state NOT IN ('returned', 'lapsed')""",
        settled=True,
    ),
    Invariant(
        "no team is past its deadline",
        """
        SELECT team_id, due_at FROM team JOIN deadline ON kind = 'team' AND id = team_id JOIN room USING (room_id)
         WHERE team.state IN ('forming', 'settling') AND frozen_at IS NULL
           AND due_at < clock_timestamp() - interval '35 s'""",
        settled=True,
    ),
    Invariant(
        "nothing is left in the outbox",
        "SELECT op_id, attempts, error FROM payment_op WHERE state = 'pending'",
        settled=True,
    ),
    Invariant(
        "no seat of an ended team has an open payment",
        """
        SELECT payment_id, payment.state FROM payment JOIN seat USING (seat_id) JOIN team USING (team_id)
         WHERE team.state IN ('expired', 'voided') AND payment.state IN ('opening', 'opened')""",
        settled=True,
    ),
)


async def audit(database: Database, *, settled: bool = False) -> list[Finding]:
    """What is wrong; nothing, as a rule.

    Args:
        settled: nothing is under way: hold it to that as well.
    """
    async with database.transaction(snapshot=True) as tx:
        await tx.execute("SET LOCAL statement_timeout = 0")
        return await findings(tx, settled=settled)


async def findings(connection: Connection, *, settled: bool) -> list[Finding]:
    found = []
    for invariant in INVARIANTS:
        if invariant.settled and not settled:
            continue
        rows = await connection.fetch(f"{invariant.broken} LIMIT {_SHOWN}", timeout=600)
        if rows:
            found.append(Finding(invariant.rule, [dict(row) for row in rows]))
    return found
