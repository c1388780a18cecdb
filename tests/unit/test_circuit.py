"""The circuit: it opens after failures in a row, lets one try through at a time, and closes with the first success."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from livestream.moderation.circuit import FAILURES, REST_S, Circuit


def test_it_opens_after_failures_in_a_row_and_closes_with_a_success() -> None:
    circuit = Circuit()
    for _ in range(FAILURES - 1):
        circuit.failed_at(0.0)
    assert circuit.lets_through(0.0)
    circuit.succeeded()
    for _ in range(FAILURES):
        assert circuit.lets_through(1.0)
        circuit.failed_at(1.0)
    assert circuit.open
    assert not circuit.lets_through(1.0 + REST_S / 2)
    assert circuit.lets_through(1.0 + REST_S)
    assert not circuit.lets_through(1.0 + REST_S), "one try at a time"
    circuit.failed_at(2.0 + REST_S)
    assert not circuit.lets_through(2.0 + REST_S)
    assert circuit.lets_through(2.0 + 2 * REST_S)
    circuit.succeeded()
    assert not circuit.open


@given(st.lists(st.tuples(st.floats(0, 2), st.booleans()), max_size=200))
def test_a_service_that_never_answers_is_asked_seldom(steps: list[tuple[float, bool]]) -> None:
    circuit, now, asked = Circuit(), 0.0, 0
    for wait, _ in steps:
        now += wait
        if circuit.lets_through(now):
            asked += 1
            circuit.failed_at(now)
    assert asked <= FAILURES + now / REST_S + 1
