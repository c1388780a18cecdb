"""Mutants: bugs planted into group buys one by one, each of which the tests must catch.

    make mutants            all of them; ends with the count caught, and fails if one gets away
    make mutants ARGS=lock  those whose name has the word

A mutant is a copy of the project with one change. A copy in which the text to
change is not found fails too: the list must follow the code.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_CORE = "tests/property/test_groupbuy_core.py"
_POSTGRES = "tests/integration/test_groupbuy.py"
_LIVES = "tests/integration/test_groupbuy_lives.py"
_RACES = "tests/faults/test_groupbuy_faults.py"
_MONEY = "tests/integration/test_groupbuy_money.py"
_CLOCK = "tests/integration/test_groupbuy_clock.py"
_WAITED = f"{_POSTGRES}::test_who_waited_for_a_team_sees_what_the_one_before_made_of_it"
_TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...] = (_CORE, _POSTGRES, _LIVES)
    also: tuple[str, str] | None = None  #: a second change of the same file


MUTANTS = (
    Mutant(
        "teams are read without their lock",
        "groupbuy/store.py",
        "ORDER BY team_id {'' if named.looks else 'FOR NO KEY UPDATE'}",
        "ORDER BY team_id {''}",
        (_WAITED, _RACES),
    ),
    Mutant(
        "seats are counted before the lock",
        "groupbuy/store.py",
        "    teams = await _load_teams(tx, deal_id, named)\n",
        """
    early: dict[str, list[Seat]] = {}
    for each in await tx.fetch("SELECT * FROM seat WHERE deal_id = $1 ORDER BY team_id, number", deal_id):
        early.setdefault(each["team_id"], []).append(_seat(each))
    teams = await _load_teams(tx, deal_id, named)
""",
        (_WAITED, _RACES),
        ("    seats = await _load_seats(tx, team_ids)\n", "    seats = early\n"),
    ),
    Mutant(
        "the room is told before COMMIT",
        "groupbuy/engine.py",
        "known, outcomes)\n        self._told(deal_id, told)\n",
        "known, outcomes)\n            self._told(deal_id, told)\n",
        (f"{_POSTGRES}::test_what_fails_at_commit_is_neither_answered_nor_told",),
    ),
    Mutant(
        "what could not be committed is answered as done",
        "groupbuy/engine.py",
        "            return await self._transact(deal_id, batch)\n\n",
        "            return [Ok(ref=0) for _ in batch]\n\n",
        (f"{_POSTGRES}::test_what_fails_at_commit_is_neither_answered_nor_told",),
    ),
    Mutant(
        "a join after the deadline is let in",
        "groupbuy/team.py",
        "(team.state is TeamState.FORMING and now_ms >= team.deadline_ms)",
        "(team.state is TeamState.FORMING and now_ms > team.deadline_ms + 60_000)",
    ),
    Mutant(
        "money that comes too late is seated",
        "groupbuy/team.py",
        "    if seat is None or seat.state not in WAITING or lapsed(team, seat, now_ms):",
        "    if seat is None or seat.state not in WAITING:",
    ),
    Mutant(
        "one seat too many",
        "groupbuy/team.py",
        "    if team.free + len(gone) <= 0:",
        "    if team.free + len(gone) < 0:",
    ),
    Mutant(
        "stock is not given back when a team fails",
        "groupbuy/course.py",
        "    if before.state in GOING:\n        book.move_stock(held=-now.size * units)",
        "    if before.state in GOING:\n        book.move_stock(held=0 * units)",
    ),
    Mutant(
        "a failed team's payments are forgotten",
        "groupbuy/funds.py",
        '        book.do(Op(payment.payment_id, "undo", payment.held + payment.cash))',
        "        pass",
    ),
    Mutant(
        "every member pays the lowest step",
        "groupbuy/pricing.py",
        "(step for step in reversed(steps) if step.people <= people)",
        "(step for step in steps if step.people <= people)",
    ),
    Mutant(
        "each repeat of an operation has a key of its own",
        "groupbuy/cashier.py",
        "await provider.refund(key=op.op_id,",
        'await provider.refund(key=f"{op.op_id}{op.age_s}",',
        (f"{_POSTGRES}::test_answers_that_were_lost_have_one_effect",),
    ),
    Mutant(
        "a notification told twice is booked twice",
        "groupbuy/money.py",
        "    if not held and not cash:\n        return known, None",
        '    if not held and not cash and news.state != "authorised":\n        return known, None',
    ),
    Mutant(
        "a hold that still runs is given up for another team's",
        "groupbuy/team.py",
        "    if seat is None or seat.state is not SeatState.HELD or not lapsed(team, seat, now_ms):",
        "    if seat is None or seat.state is not SeatState.HELD:",
        (f"{_CLOCK}::test_a_hold_that_ran_out_keeps_nobody_from_other_teams_though_the_worker_sleeps",),
    ),
    Mutant(
        "two live seats in one deal",
        "groupbuy/buying.py",
        "    if buyer.team_id is not None and over is None:\n        raise Refused(ErrorCode.SEAT_TAKEN)",
        "    if buyer.team_id == '':\n        raise Refused(ErrorCode.SEAT_TAKEN)",
    ),
    Mutant(
        "who is refused a team gives up a seat",
        "groupbuy/buying.py",
        "    held = team.join(joined, seat_id, viewer, name, book.now_ms, terms.hold_s)\n    _vacate(book, over)\n",
        "    _vacate(book, over)\n    held = team.join(joined, seat_id, viewer, name, book.now_ms, terms.hold_s)\n",
        (_CORE,),
    ),
    Mutant(
        "a freeze does not stop the clock",
        "groupbuy/store.py",
        "least(clock_timestamp(), room.frozen_at)",
        "greatest(clock_timestamp(), room.frozen_at)",
        (f"{_CLOCK}::test_holds_and_payments_under_way_have_after_a_break_what_they_had_before",),
    ),
    Mutant(
        "the sweeper takes teams that others have in hand, with no lock",
        "groupbuy/store.py",
        '_UNTAKEN = "FOR NO KEY UPDATE SKIP LOCKED"',
        '_UNTAKEN = ""',
        (_WAITED, _RACES),
    ),
    Mutant(
        "teams hold more of the stock than they may",
        "groupbuy/deal.py",
        "    if stock.held + units > stock.most_held:",
        "    if stock.held > stock.most_held:",
        (f"{_POSTGRES}::test_stock_is_never_oversold_and_teams_hold_at_most_their_share",),
    ),
    Mutant(
        "an idempotency key is not looked at",
        "groupbuy/engine.py",
        "            known = await work.claim(tx, batch)\n            book",
        "            known: work.Known = {}\n            book",
        (f"{_POSTGRES}::test_the_same_key_holds_one_seat",),
    ),
    Mutant(
        "what was to be done about a payment outlives it",
        "groupbuy/funds.py",
        "    book.caused.dropped.add(payment.payment_id)\n",
        "",
        (f"{_MONEY}::test_a_void_while_prices_are_taken_ends_every_operation",),
    ),
    Mutant(
        "other money than was asked for keeps its seat",
        "groupbuy/course.py",
        "    elif not money.fits(known, news):\n        _lost(book, known)",
        "    elif not money.fits(known, news):\n        funds.abandon(book, known)",
        (f"{_MONEY}::test_other_money_than_was_asked_for_releases_its_seat_and_the_team_goes_on", _CORE),
    ),
    Mutant(
        "an operation is claimed without a lease",
        "groupbuy/cashier.py",
        "secs => $2 + least($3,",
        "secs => 0 * $2 + 0 * least($3,",
        (f"{_MONEY}::test_an_operation_that_a_worker_has_in_hand_is_no_others",),
    ),
    Mutant(
        "an edit changes teams that are open",
        "groupbuy/buying.py",
        "    terms = book.terms[joined.version]\n    buyer",
        "    terms = book.deal.terms\n    buyer",
        (f"{_CLOCK}::test_an_edit_does_not_let_customers_into_teams_for_new_ones",),
    ),
    Mutant(
        "the day to pay again runs on in a break",
        "groupbuy/chores.py",
        "             WHERE kind = 'repay' AND due_at <= statement_timestamp() AND frozen_at IS NULL",
        "             WHERE kind = 'repay' AND due_at <= statement_timestamp()",
        (f"{_CLOCK}::test_the_day_to_pay_again_does_not_run_in_a_break",),
        (
            "        return await _changed(database, deal_id, Named(seats={seat_id}, money=True), course.due, tell)",
            "        def run_out(book: Book) -> int:\n            book.now_ms += 10**9 if book.frozen else 0\n"
            "            return course.due(book)\n\n"
            "        return await _changed(database, deal_id, Named(seats={seat_id}, money=True), run_out, tell)",
        ),
    ),
    Mutant(
        "who leaves unpaid ends the team",
        "groupbuy/team.py",
        "after(team, events), free=True))",
        "after(team, events)))",
        (f"{_CLOCK}::test_when_a_leader_who_has_not_paid_leaves_the_next_in_line_leads",),
    ),
    Mutant(
        "a hold ends after its deadline",
        "groupbuy/team.py",
        "    return max(0, team.deadline_ms - now_ms - hold_s * 1000)",
        "    return team.deadline_ms - now_ms - hold_s * 1000",
    ),
    Mutant(
        "a team is decided twice",
        "groupbuy/team.py",
        "    if team.state not in GOING:\n        return ()\n    events: list",
        "    if team.state is TeamState.VOIDED:\n        return ()\n    events: list",
    ),
    Mutant(
        "a row of the ledger is lost",
        "groupbuy/course.py",
        "    if move is not None:\n        book.caused.moves.append(move)",
        "    if move is not None and move.cash <= 0:\n        book.caused.moves.append(move)",
    ),
    Mutant(
        "one operator alone refunds what two must",
        "groupbuy/returns.py",
        '    if command.confirm and asked.asker in (who[0], ""):',
        '    if command.confirm and asked.asker == "":',
        (f"{_MONEY}::test_staff_give_an_order_back_in_parts_and_above_the_limit_two_decide",),
    ),
    Mutant(
        "more is given back of an order than it cost",
        "groupbuy/returns.py",
        "    return max(0, placed.price - placed.given_back - under_way)",
        "    return placed.price",
        (f"{_MONEY}::test_staff_give_an_order_back_in_parts_and_above_the_limit_two_decide",),
    ),
    Mutant(
        "a page is given for a payment that nobody waits for",
        "groupbuy/cashier.py",
        "        if not await self._opened(payment_id, checkout):",
        "        if await self._opened(payment_id, checkout) is None:",
        (f"{_MONEY}::test_a_page_that_opens_after_its_payment_was_given_up_is_closed_again",),
        ("        if not payment.wanted:\n            raise Refused(ErrorCode.SEAT_LOST)\n", ""),
    ),
    Mutant(
        "a broken team stops its deal",
        "groupbuy/chores.py",
        "    except Exception:  # whatever it is, it is one team's: `one` tells of it\n",
        "    except ZeroDivisionError:\n",
        (f"{_MONEY}::test_a_broken_team_keeps_neither_its_deal_nor_others_from_the_clock",),
    ),
)


def planted(mutant: Mutant, text: str) -> str:
    """The file with the bug in.

    Raises:
        LookupError: the text to change is not there, or not once.
    """
    for old, new in ((mutant.old, mutant.new), *([mutant.also] if mutant.also else [])):
        if text.count(old) != 1:
            raise LookupError(f"{mutant.name}: {mutant.file} has the text {text.count(old)} times")
        text = text.replace(old, new)
    return text


def caught(mutant: Mutant) -> bool:
    """Do the tests fail with the bug in?

    Raises:
        LookupError: they did not run, or see `planted`.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        shutil.copytree(
            ROOT,
            copy,
            symlinks=True,
            ignore=shutil.ignore_patterns(
                ".git", ".venv", "node_modules", "data", ".mypy_cache", "dist", ".hypothesis"
            ),
        )
        os.chmod(folder, 0o755)
        target = copy / mutant.file
        target.write_text(planted(mutant, target.read_text("utf-8")), "utf-8")
        for tests in mutant.tests:
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", "not trial",
                 *(["-k", "last_seat"] if tests == _RACES else []), tests],
                cwd=copy, env={**os.environ, "PYTHONPATH": str(copy)}, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, timeout=_TIMEOUT_S, check=False,
            )  # fmt: skip
            if done.returncode == 1:
                return True
            if done.returncode != 0:
                raise LookupError(f"{mutant.name}: the tests did not run (exit {done.returncode})")
    return False


def main() -> None:
    chosen = [each for each in MUTANTS if all(word in each.name for word in sys.argv[1:])]
    away = 0
    for mutant in chosen:
        found = caught(mutant)
        away += not found
        print(f"{'caught ' if found else 'AWAY   '} {mutant.name}", flush=True)  # noqa: T201
    print(f"{len(chosen) - away} of {len(chosen)} caught")  # noqa: T201
    raise SystemExit(1 if away else 0)


if __name__ == "__main__":
    main()
