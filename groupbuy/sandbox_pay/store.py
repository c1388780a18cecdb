"""Store: payments, answers by key and webhooks to send, in one SQLite file. What was answered survives kill -9.

SQLite answers within microseconds and the service is one loop, so a whole
operation runs between two awaits: no lock is needed.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from groupbuy.payments.port import Way

from .payment import Payment

_SCHEMA = """
CREATE TABLE IF NOT EXISTS payment (
    reference   TEXT PRIMARY KEY,
    way         TEXT NOT NULL,
    key         TEXT NOT NULL,
    state       TEXT NOT NULL,
    currency    TEXT NOT NULL,
    held        INTEGER NOT NULL CHECK (held >= 0),
    captured    INTEGER NOT NULL CHECK (captured >= 0),
    refunded    INTEGER NOT NULL CHECK (refunded BETWEEN 0 AND captured),
    expires_at  INTEGER NOT NULL,
    body        BLOB NOT NULL,
    UNIQUE (way, key)
) STRICT;
CREATE INDEX IF NOT EXISTS payment_open ON payment (expires_at) WHERE state = 'opened';
CREATE TABLE IF NOT EXISTS movement ( -- only ever added to: what each change of a payment moved
    reference   TEXT NOT NULL,
    version     INTEGER NOT NULL,
    way         TEXT NOT NULL,
    currency    TEXT NOT NULL,
    opened      INTEGER NOT NULL,
    held        INTEGER NOT NULL,
    captured    INTEGER NOT NULL,
    refunded    INTEGER NOT NULL,
    PRIMARY KEY (reference, version)
) STRICT;
CREATE TABLE IF NOT EXISTS operation (
    way         TEXT NOT NULL,
    key         TEXT NOT NULL,
    asked       BLOB NOT NULL,
    answer      BLOB NOT NULL,
    PRIMARY KEY (way, key)
) STRICT;
CREATE TABLE IF NOT EXISTS event (
    id          TEXT PRIMARY KEY,
    way         TEXT NOT NULL,
    url         TEXT NOT NULL,
    body        BLOB NOT NULL,
    forged      INTEGER NOT NULL,
    copies      INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    tries       INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS event_due ON event (due_at);
"""
_decode = msgspec.json.Decoder(Payment).decode
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Event:
    """A webhook on its way."""

    id: str
    way: Way
    url: str
    body: bytes
    due_at_ms: int
    forged: bool = False
    copies: int = 1
    tries: int = 0


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """Of one account and currency, minor units."""

    payments: int  #: how many there are
    opened: int  #: asked for, paid or not
    authorised: int  #: was ever held
    held: int  #: is held now
    captured: int
    refunded: int
    net: int  #: captured and not given back
    closes: bool  #: the payments as they stand add up to what was moved


class Store:
    """One file; one process at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, timeout=1.0)
        # A killed process loses nothing in WAL with NORMAL; a lost machine may lose the last moments of play money.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def payment(self, reference: str) -> Payment | None:
        return self._one("SELECT body FROM payment WHERE reference = ?", reference)

    def payment_of(self, way: Way, key: str) -> Payment | None:
        return self._one("SELECT body FROM payment WHERE way = ? AND key = ?", way, key)

    def lapsing(self, now_ms: int) -> list[Payment]:
        """Some that nobody paid in time."""
        rows = self._db.execute(
            "SELECT body FROM payment WHERE state = 'opened' AND expires_at <= ? ORDER BY expires_at LIMIT 100",
            (now_ms,),
        )
        return [_decode(row[0]) for row in rows]

    def payments(self, way: Way, after: str, limit: int) -> list[Payment]:
        """A page, by reference."""
        rows = self._db.execute(
            "SELECT body FROM payment WHERE way = ? AND reference > ? ORDER BY reference LIMIT ?", (way, after, limit)
        )
        return [_decode(row[0]) for row in rows]

    def save(self, payment: Payment) -> None:
        self._db.execute(
            """
            INSERT INTO payment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (reference) DO UPDATE SET state = excluded.state, held = excluded.held,
                   captured = excluded.captured, refunded = excluded.refunded, body = excluded.body""",
            (
                payment.reference,
                payment.way,
                payment.key,
                payment.state,
                payment.currency,
                payment.held,
                payment.captured,
                payment.refunded,
                payment.expires_at_ms,
                _encode(payment),
            ),
        )

    def move(self, before: Payment | None, after: Payment) -> None:
        """Note what a change moved; a second change of the same version fails."""
        self._db.execute(
            "INSERT INTO movement VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                after.reference,
                after.version,
                after.way,
                after.currency,
                after.amount if before is None else 0,
                after.held - (before.held if before else 0),
                after.captured - (before.captured if before else 0),
                after.refunded - (before.refunded if before else 0),
            ),
        )

    def answered(self, way: Way, key: str) -> tuple[bytes, bytes] | None:
        """What was asked under a key, and what was answered."""
        row: tuple[bytes, bytes] | None = self._db.execute(
            "SELECT asked, answer FROM operation WHERE way = ? AND key = ?", (way, key)
        ).fetchone()
        return row

    def keep(self, way: Way, key: str, asked: bytes, answer: bytes) -> None:
        self._db.execute("INSERT INTO operation VALUES (?, ?, ?, ?)", (way, key, asked, answer))

    def put_event(self, event: Event) -> None:
        """To be sent, or sent again."""
        self._db.execute(
            "INSERT OR REPLACE INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (event.id, event.way, event.url, event.body, event.forged, event.copies, event.due_at_ms, event.tries),
        )

    def drop_event(self, event_id: str) -> None:
        self._db.execute("DELETE FROM event WHERE id = ?", (event_id,))

    def due_events(self, now_ms: int, limit: int) -> list[Event]:
        rows = self._db.execute(
            "SELECT id, way, url, body, due_at, forged, copies, tries FROM event"
            " WHERE due_at <= ? ORDER BY due_at LIMIT ?",
            (now_ms, limit),
        )
        return [
            Event(id_, Way(way), url, body, due_at, bool(forged), copies, tries)
            for id_, way, url, body, due_at, forged, copies, tries in rows
        ]

    def waiting_events(self, way: Way) -> int:
        count: int = self._db.execute("SELECT count(*) FROM event WHERE way = ?", (way,)).fetchone()[0]
        return count

    def sums(self, way: Way) -> dict[str, Sums]:
        """Money by currency, from the movements; `closes` holds them against the payments."""
        rows = self._db.execute(
            """
            SELECT currency, moved.*, standing.payments, standing.held IS moved.held
                   AND standing.captured IS moved.captured AND standing.refunded IS moved.refunded
              FROM (SELECT currency, sum(opened) AS opened, sum(max(held, 0)) AS authorised, sum(held) AS held,
                           sum(captured) AS captured, sum(refunded) AS refunded
                      FROM movement WHERE way = ?1 GROUP BY currency) moved
              LEFT JOIN (SELECT currency, count(*) AS payments, sum(held) AS held, sum(captured) AS captured,
                                sum(refunded) AS refunded
                           FROM payment WHERE way = ?1 GROUP BY currency) standing USING (currency)
             ORDER BY currency""",
            (way,),
        )
        return {
            row[0]: Sums(
                opened=row[2],
                authorised=row[3],
                held=row[4],
                captured=row[5],
                refunded=row[6],
                net=row[5] - row[6],
                payments=row[7] or 0,
                closes=bool(row[8]),
            )
            for row in rows
        }

    def _one(self, statement: str, *arguments: str) -> Payment | None:
        row = self._db.execute(statement, arguments).fetchone()
        return None if row is None else _decode(row[0])
