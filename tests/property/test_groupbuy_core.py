"""Group buy, the pure core: whatever happens in whatever order, seats, stock and money add up. No store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from groupbuy import buying, course, deal, money, pricing, team
from groupbuy.book import Book, Op
from groupbuy.deal import Deal, Stock, Terms
from groupbuy.money import News, Payment
from groupbuy.order import SOLD, STEPS, OrderEvent
from groupbuy.team import GOING, LIVE, Seat, Team
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.groupbuy import DealState, DealStep, OrderState, SeatLeft, SeatState, TeamState

STEPS_OF = (DealStep(people=2, price=900), DealStep(people=4, price=700))
TERMS = Terms(1, STEPS_OF, 50, 600, 90, 2, False, 80)
VIEWERS = st.sampled_from([f"v{number}" for number in range(8)])


def a_deal(**changes: object) -> Deal:
    made = Deal(
        deal_id="d", room_id="r", shop_id="s", product_id="p", variant_id=None, title="t", state=DealState.OPEN,
        currency="PLN", exponent=2, tax_included=True, single_price=1000, units=2, stock=60, terms=TERMS,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def a_team(*states: SeatState, size: int = 4, deadline_ms: int = 600_000, hold_ms: int = 0) -> Team:
    seats = tuple(Seat(f"s{n}", f"v{n}", n, hold_ms, state) for n, state in enumerate(states))
    return Team("t", "d", 1, size, 2, deadline_ms, "s0", "i", True, seats)


# -- single rules


def test_a_join_at_the_deadline_is_late() -> None:
    forming = a_team(SeatState.PAID)
    assert team.join(forming, "n", "new", "", 599_999, 90)
    with pytest.raises(Refused) as caught:
        team.join(forming, "n", "new", "", 600_000, 90)
    assert caught.value.code is ErrorCode.TEAM_LATE


def test_a_hold_never_passes_the_deadline_and_moves_with_it() -> None:
    forming = a_team(SeatState.PAID)
    late = team.after(forming, team.join(forming, "n", "new", "", 590_000, 90))
    assert late.seats[-1].hold_ms == 0
    early = team.after(forming, team.join(forming, "n", "new", "", 0, 90))
    shifted = replace(early, deadline_ms=early.deadline_ms + 5_000)
    assert not team.lapsed(shifted, shifted.seats[-1], 94_999)
    assert team.lapsed(shifted, shifted.seats[-1], 95_000)


def test_a_payment_under_way_at_the_deadline_has_thirty_seconds() -> None:
    settling = a_team(SeatState.PAID, SeatState.PAYING)
    assert team.due(settling, 600_000) == (team.SettlingBegan(),)
    assert team.Completed(2) in team.due(team.after(settling, team.paid(settling, "s1", 629_999)), 629_999)
    with pytest.raises(Refused):
        team.paid(settling, "s1", 630_000)
    assert team.after(settling, team.due(settling, 630_000)).state is TeamState.EXPIRED


def test_money_for_a_hold_that_ran_out_is_too_late_though_the_team_forms() -> None:
    forming = a_team(SeatState.PAID, SeatState.PAYING, hold_ms=100_000)
    assert team.paid(forming, "s1", 499_999)
    with pytest.raises(Refused) as caught:
        team.paid(forming, "s1", 500_000)
    assert caught.value.code is ErrorCode.SEAT_LOST


def test_where_a_leaders_hold_ends_with_the_team_who_is_still_paying_leads() -> None:
    settling = team.after(
        a_team(SeatState.HELD, SeatState.PAYING), team.due(a_team(SeatState.HELD, SeatState.PAYING), 600_000)
    )
    assert (settling.state, settling.leader) == (TeamState.SETTLING, "s1")


def test_a_team_of_the_lowest_step_completes_at_the_deadline_and_below_it_expires() -> None:
    assert team.due(a_team(SeatState.PAID, SeatState.PAID), 600_000) == (team.Completed(2),)
    assert team.due(a_team(SeatState.PAID), 600_000) == (team.Failed(TeamState.EXPIRED, "deadline"),)


def test_a_deal_that_was_taken_back_completes_no_team_any_more() -> None:
    for state, becomes in ((DealState.VOIDED, TeamState.FORMING), (DealState.CLOSED, TeamState.EXPIRED)):
        book = Book(600_000, False, a_deal(state=state), {1: TERMS}, Stock(60, 0, 8, 52, 48))
        book.take(a_team(SeatState.HELD))
        course.due(book)
        assert book.teams["t"].state is becomes


def test_an_ended_team_is_decided_once() -> None:
    for state in (TeamState.COMPLETE, TeamState.EXPIRED, TeamState.VOIDED):
        assert team.due(replace(a_team(SeatState.CONFIRMED), state=state), 10**9) == ()


@given(st.lists(st.integers(0, 12), max_size=3), st.integers(0, 12))
def test_the_step_reached_is_the_highest_that_was(counts: list[int], people: int) -> None:
    steps = [DealStep(people=each, price=100 - each) for each in sorted({*counts, 2} - {0, 1})]
    found = pricing.step_reached(steps, people)
    reached = [step for step in steps if step.people <= people]
    assert found == (reached[-1] if reached else None)


def test_the_leaders_price_counts_for_what_is_below_half() -> None:
    half = replace(TERMS, steps=(DealStep(people=2, price=500),), leader_discount=0)
    deal.check(half, 1000, 1, 60, low_price=False)
    with pytest.raises(Refused) as caught:
        deal.check(replace(half, leader_discount=1), 1000, 1, 60, low_price=False)
    assert caught.value.code is ErrorCode.PRICE_LOW


def _last_seats(book: Book) -> int:
    return sum(isinstance(each, SeatLeft) for each in book.caused.live)


@pytest.mark.parametrize("listed", [True, False])
def test_a_listed_team_that_comes_to_need_one_more_is_told_whoever_joined_left_or_let_it_lapse(listed: bool) -> None:
    book = Book(0, False, a_deal(), {1: TERMS}, Stock(60, 0, 0, 60, 48))
    buying.open_team(book, ("t", "s0"), "v0", "", "i", listed=listed)

    def join(number: int) -> None:
        buying.join_team(book, f"s{number}", f"v{number}", "", None, "i", customer=False)

    join(1)
    assert _last_seats(book) == 0
    join(2)
    assert _last_seats(book) == listed
    join(3)
    buying.leave_team(book, "s3", "v3")
    assert _last_seats(book) == 2 * listed
    join(4)
    for number in range(3):
        buying.pay_seat(book, f"s{number}", f"v{number}", f"p{number}", "authorise")
    assert _last_seats(book) == 2 * listed
    book.now_ms = 90_000
    course.due(book)  # the hold of the fourth is over
    assert _last_seats(book) == 3 * listed
    buying.leave_team(book, "s2", "v2")
    assert _last_seats(book) == 3 * listed  # it needs two


@pytest.mark.parametrize("listed", [True, False])
def test_a_listed_team_of_two_is_told_as_needing_one_more_when_it_opens(listed: bool) -> None:
    terms = replace(TERMS, steps=(DealStep(people=2, price=500),))
    book = Book(0, False, replace(a_deal(), terms=terms), {1: terms}, Stock(60, 0, 0, 60, 48))
    buying.open_team(book, ("t", "s0"), "v0", "", "i", listed=listed)
    assert _last_seats(book) == listed


def test_of_a_team_that_nobody_may_join_any_more_no_last_seat_is_told() -> None:
    full = Book(0, False, a_deal(), {1: TERMS}, Stock(60, 0, 0, 60, 48))
    buying.open_team(full, ("t", "s0"), "v0", "", "i", listed=True)
    for number in range(1, 4):
        buying.join_team(full, f"s{number}", f"v{number}", "", None, "i", customer=False)
    full.caused.live.clear()
    full.now_ms = 600_000  # the deadline; no worker saw it
    buying.open_team(full, ("u", "s9"), "v3", "", "j", listed=False)  # their hold is over, and gives way
    assert full.teams["t"].free == 1
    assert _last_seats(full) == 0


_NEWS = st.builds(
    News,
    state=st.sampled_from([*money.RANK, "unknown_key"]),
    amount=st.sampled_from([900, 901]),
    currency=st.sampled_from(["PLN", "EUR"]),
    held=st.sampled_from([0, 900, 901]),
    captured=st.sampled_from([0, 700, 900]),
    refunded=st.sampled_from([0, 100, 700]),
)


@given(st.lists(_NEWS, max_size=6))
def test_news_in_any_order_moves_forward_and_the_ledger_sums_to_zero(news: list[News]) -> None:
    known, moves = Payment("p", "s", 900, "PLN", 2, "authorise"), []
    for each in news:
        before = known
        known, move = money.learn(known, each)
        assert known.captured >= before.captured
        assert money.learn(known, each) == (known, None), "told twice, it moves nothing"
        if move is not None:
            assert move.buyer + move.held + move.cash == 0
            moves.append(move)
    assert sum(each.cash for each in moves) == known.cash
    assert sum(each.held for each in moves) == known.held
    assert [each.number for each in moves] == list(range(1, known.moves + 1))


def test_every_state_of_an_order_can_be_reached_and_ends_are_ends() -> None:
    reached = {OrderState.PLACED} | set(STEPS.values())
    assert reached == set(OrderState)
    left = {state for state, _ in STEPS}
    assert set(OrderState) - left == {OrderState.LAPSED, OrderState.RETURNED}
    assert {event for _, event in STEPS} == set(OrderEvent)


# -- all of it together


def step_is_legal(before: Team, event: team.TeamEvent, now: Team) -> None:
    """What one event made of a team stands in the tables."""
    kind = type(event)
    if before.state is not now.state:
        assert now.state in team.TEAM_STEPS[before.state, kind]
    for was, seat in zip(before.seats, now.seats, strict=False):
        if was.state is not seat.state:
            assert team.SEAT_STEPS[was.state, kind] is seat.state


class Shop(RuleBasedStateMachine):
    """One deal, as batches and workers act on it, with a provider whose news come when they like."""

    def __init__(self) -> None:
        super().__init__()
        self.book = Book(0, False, a_deal(), {1: TERMS}, Stock(60, 0, 0, 60, 48))
        self.numbers = iter(range(10**6))
        self.break_ms = 0
        self.way = "authorise"
        evolve = team.evolve.__wrapped__ if hasattr(team.evolve, "__wrapped__") else team.evolve

        def watched(before: Team, event: team.TeamEvent) -> Team:
            now = evolve(before, event)
            step_is_legal(before, event, now)
            return now

        watched.__wrapped__ = evolve  # type: ignore[attr-defined]
        self.evolve = evolve
        team.evolve = watched

    @initialize(way=st.sampled_from(["authorise", "capture"]))
    def provider(self, way: str) -> None:
        self.way = way

    def teardown(self) -> None:
        team.evolve = self.evolve

    def act(self, doing: Callable[[], object]) -> bool:
        """A command: refused, it changes nothing."""
        book = self.book
        before = (dict(book.teams), dict(book.orders), dict(book.payments), book.stock)
        try:
            doing()
        except Refused:
            assert before == (book.teams, book.orders, book.payments, book.stock)
            return False
        return True

    def id(self, kind: str) -> str:
        return f"{kind}{next(self.numbers):06d}"

    @rule(viewer=VIEWERS)
    def open_team(self, viewer: str) -> None:
        team_id = self.id("t")
        self.act(lambda: buying.open_team(self.book, (team_id, self.id("s")), viewer, "", f"i{team_id}", listed=True))

    @rule(viewer=VIEWERS, data=st.data())
    def join(self, viewer: str, data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from([*sorted(self.book.teams), "none"]))
        self.act(lambda: buying.join_team(self.book, self.id("s"), viewer, "", chosen, None, customer=False))

    def seats(self) -> list[Seat]:
        return [seat for each in self.book.teams.values() for seat in each.seats]

    @precondition(lambda self: bool(self.seats()))
    @rule(data=st.data())
    def pay(self, data: st.DataObject) -> None:
        seat = data.draw(st.sampled_from(self.seats()))
        self.act(lambda: buying.pay_seat(self.book, seat.seat_id, seat.viewer, self.id("p"), self.way))

    @precondition(lambda self: bool(self.seats()))
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        seat = data.draw(st.sampled_from(self.seats()))
        self.act(lambda: buying.leave_team(self.book, seat.seat_id, seat.viewer))

    @precondition(lambda self: bool(self.book.payments))
    @rule(data=st.data(), kind=st.sampled_from(["paid", "paid", "refused", "expired", "other", "lost", "part", "hand"]))
    def news(self, data: st.DataObject, kind: str) -> None:
        """What a buyer, the provider or somebody at its dashboard does."""
        payment = data.draw(st.sampled_from(sorted(self.book.payments.values(), key=lambda each: each.payment_id)))
        now = News(payment.state, payment.amount, "PLN", payment.held, payment.captured, payment.refunded)
        if payment.state in ("opening", "opened"):
            amount = payment.amount + (kind == "other")
            paid = "authorised" if payment.way == "authorise" else "captured"
            if kind in ("refused", "expired"):
                now = replace(now, state=kind)
            elif paid == "authorised":
                now = replace(now, state=paid, amount=amount, held=amount)
            else:
                now = replace(now, state=paid, amount=amount, captured=amount)
        elif kind == "other":
            now = replace(now, amount=payment.amount + 1)
        elif kind == "lost" and payment.held:
            now = replace(now, state="voided", held=0)
        elif kind == "lost" and payment.cash:
            now = replace(now, state="refunded", refunded=payment.captured)
        elif kind == "part" and payment.cash > 50:
            now = replace(now, refunded=payment.refunded + 50)
        elif kind == "hand" and payment.held:
            now = replace(now, state="captured", held=0, captured=payment.amount)
        course.learn(self.book, payment.payment_id, now)

    def pending(self, payment: Payment) -> list[Op]:
        """What is still to be done about a payment."""
        caused = self.book.caused
        return [
            op
            for op in caused.ops.values()
            if op.payment_id == payment.payment_id
            and not caused.done_ops.get(op.op_id)
            and (op.kind == "undo" or payment.payment_id not in caused.dropped)
        ]

    @precondition(lambda self: bool(self.book.caused.ops))
    @rule(data=st.data(), declines=st.booleans())
    def provider_acts(self, data: st.DataObject, declines: bool) -> None:
        op = self.book.caused.ops[data.draw(st.sampled_from(sorted(self.book.caused.ops)))]
        payment = self.book.payments[op.payment_id]
        if op not in self.pending(payment):
            return
        if op.kind == "capture" and payment.held and declines:
            course.capture_declined(self.book, op.payment_id)
        elif op.kind == "capture" and payment.held:
            self.tell(payment, "captured", captured=op.amount)
        elif op.kind == "difference" and payment.cash > op.amount:
            self.tell(payment, "captured", captured=payment.captured, refunded=payment.refunded + op.amount)
        elif op.kind == "undo" and payment.cash:
            self.tell(payment, "refunded", captured=payment.captured, refunded=payment.captured)
        elif op.kind == "undo" and payment.held:
            self.tell(payment, "voided")
        elif op.kind == "undo":
            self.tell(payment, "expired")

    def tell(self, payment: Payment, state: str, captured: int = 0, refunded: int = 0) -> None:
        course.learn(self.book, payment.payment_id, News(state, payment.amount, "PLN", 0, captured, refunded))

    @rule(seconds=st.sampled_from([1, 30, 91, 300, 601, 90_000]))
    def time_passes(self, seconds: int) -> None:
        if self.book.frozen:
            self.break_ms += seconds * 1000
        else:
            self.book.now_ms += seconds * 1000

    @rule()
    def freeze_or_go_on(self) -> None:
        """A break: the room's clock stands still, and at its end every deadline is later by as long as it was."""
        book, later = self.book, self.break_ms
        left = {
            seat.seat_id: each.deadline_ms - seat.hold_ms - book.now_ms
            for each in book.teams.values()
            for seat in each.seats
        }
        book.frozen, self.break_ms = not book.frozen, 0
        book.now_ms += later
        for each in list(book.teams.values()):
            book.teams[each.team_id] = now = replace(each, deadline_ms=each.deadline_ms + later)
            assert all(now.deadline_ms - seat.hold_ms - book.now_ms == left[seat.seat_id] for seat in now.seats)
        for placed in list(book.orders.values()):
            if placed.repay_until is not None:
                book.orders[placed.seat_id] = replace(placed, repay_until=placed.repay_until + later)

    @precondition(lambda self: self.book.deal.state is DealState.OPEN)
    @rule(size=st.integers(2, 5))
    def edit(self, size: int) -> None:
        """Teams that are open keep their rules."""
        book, version = self.book, self.book.deal.terms.version + 1
        terms = replace(TERMS, version=version, steps=(DealStep(people=size, price=850),), leader_discount=0)
        book.deal, book.terms[version] = replace(book.deal, terms=terms), terms

    @rule()
    def worker(self) -> None:
        course.due(self.book)

    @precondition(lambda self: bool(self.book.teams))
    @rule(data=st.data())
    def waive(self, data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from(sorted(self.book.teams)))
        self.act(lambda: course.waive(self.book, chosen))

    @precondition(lambda self: len(self.book.teams) > 1)
    @rule()
    def void(self) -> None:
        self.book.deal = replace(self.book.deal, state=DealState.VOIDED)
        course.void(self.book, "wrong price")

    @invariant()
    def seats_fit(self) -> None:
        for each in self.book.teams.values():
            taken = each.live + each.count(SeatState.CONFIRMED)
            assert taken + each.waived <= each.size
            if each.state in GOING:
                assert each.seat(each.leader).state in LIVE  # type: ignore[union-attr]
            else:
                assert each.live == 0
            if each.state is TeamState.COMPLETE:
                assert each.reached is not None
                assert each.least <= each.reached <= each.size

    @invariant()
    def a_viewer_has_one_live_seat(self) -> None:
        live = [seat.viewer for seat in self.seats() if seat.state in LIVE]
        assert len(live) == len(set(live))

    @invariant()
    def stock_adds_up(self) -> None:
        stock = self.book.stock
        assert stock is not None
        assert stock.sold + stock.held + stock.left == stock.initial
        assert min(stock.sold, stock.held, stock.left) >= 0
        assert stock.held <= stock.most_held
        assert stock.held == sum(each.size * 2 for each in self.book.teams.values() if each.state in GOING)
        assert stock.sold == sum(each.quantity for each in self.book.orders.values() if each.state in SOLD)
        caused = self.book.caused
        assert (caused.sold, caused.held, caused.free) == (stock.sold, stock.held, stock.left - stock.initial)

    @invariant()
    def money_is_where_it_belongs(self) -> None:
        for payment in self.book.payments.values():
            pending = self.pending(payment)
            placed = self.book.orders.get(payment.seat_id)
            if not payment.wanted and (payment.held or payment.cash):
                assert [op.kind for op in pending] == ["undo"]
            if not payment.wanted:
                assert {op.kind for op in pending} <= {"undo"}, "what nobody waits for is only undone"
            if payment.wanted and (payment.held or payment.cash):
                assert placed is not None
                assert placed.state not in (OrderState.RETURNED, OrderState.RETURNING, OrderState.LAPSED)
        for placed in self.book.orders.values():
            wanted = [each for each in self.book.payments.values() if each.seat_id == placed.seat_id and each.wanted]
            assert len(wanted) <= 1
            if placed.state is OrderState.CONFIRMED:
                assert wanted[0].cash == (placed.price or 0) - placed.given_back > 0
            if placed.state is OrderState.CONFIRMING:
                assert len(self.pending(wanted[0])) == 1, "something moves it"
            if placed.state is OrderState.PLACED:
                assert wanted[0].funded
            assert (placed.repay_until is not None) == (placed.state is OrderState.UNPAID)
            if placed.state is OrderState.RETURNED:
                assert not self.book.money_of(placed.seat_id)

    @invariant()
    def the_ledger_is_the_payments(self) -> None:
        moves = self.book.caused.moves
        assert sum(each.cash for each in moves) == sum(each.cash for each in self.book.payments.values())
        assert sum(each.held for each in moves) == sum(each.held for each in self.book.payments.values())


TestShop = Shop.TestCase
TestShop.settings = settings(max_examples=250, stateful_step_count=40)
