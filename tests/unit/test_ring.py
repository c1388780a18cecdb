"""The ring: whatever joins it goes round once, with what is under way, in order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.ring import Pending, Ring
from livestream.protocol.pushes import Heartbeat
from tests.support.receivers import PLAIN, Remembering, logged

STAFF = PLAIN._replace(staff=True)
GROUPS = ((PLAIN, tuple(Remembering() for _ in range(7))), (STAFF, tuple(Remembering(STAFF) for _ in range(4))))
EVERYBODY = [receiver for _, group in GROUPS for receiver in group]


def batch(number: int) -> Pending:
    """One of everything."""
    pending = Pending()
    pending.log = logged(number)
    pending.staff = logged(number)
    pending.live = [b"%d" % number]
    pending.left_out = number
    pending.gauges = {"likes": number}
    pending.heartbeat = Heartbeat(now=number, seq=number)
    return pending


@given(st.lists(st.one_of(st.just("join"), st.integers(1, 5)), max_size=60))
def test_everybody_is_told_everything_once_and_in_order(acts: list[str | int]) -> None:
    ring = Ring(GROUPS, batch(1))
    told: dict[Remembering, list[Pending]] = {receiver: [] for receiver in EVERYBODY}
    ended = steps = 0
    started = 1
    for act in [*acts, *[5] * 10]:
        if not ring.busy:
            break
        if act == "join":
            started += 1
            ring.join(batch(started))
        else:
            stretch, _, part = ring.here(int(act))
            for receiver in part:
                told[receiver].append(copy(stretch.batch))
                steps += 1
            ended += ring.advance(len(part)) is not None
    assert not ring.busy
    assert ended <= started
    assert steps <= started * len(EVERYBODY)
    numbers = list(range(1, started + 1))
    for heard in told.values():
        assert [item.seq for each in heard for item in each.log] == numbers
        assert [item.seq for each in heard for item in each.staff] == numbers
        assert [int(event) for each in heard for event in each.live] == numbers
        assert sum(each.left_out for each in heard) == sum(numbers)
        for each in heard:  # the latest wins
            assert each.gauges == {"likes": each.log[-1].seq}
            assert each.heartbeat == Heartbeat(now=each.log[-1].seq, seq=each.log[-1].seq)


def copy(pending: Pending) -> Pending:
    """As it is now."""
    now = Pending()
    now.append(pending)
    return now


def test_two_that_overlap_cost_one_frame_where_they_do() -> None:
    ring = Ring(GROUPS, batch(1))
    frames = 0
    for _ in range(6):
        frames += len(ring.here(1)[2])
        ring.advance(1)
    ring.join(batch(2))
    while ring.busy:
        frames += len(ring.here(1)[2])
        ring.advance(1)
    assert frames == len(EVERYBODY) + 6


def test_a_frame_is_made_anew_when_something_joins_it() -> None:
    ring = Ring(GROUPS, batch(1))
    stretch, variant, _ = ring.here(1)
    alone = stretch.frame_for(variant, True, 10_000)
    ring.advance(1)
    ring.join(batch(2))
    stretch, variant, _ = ring.here(1)
    both = stretch.frame_for(variant, True, 10_000)
    assert alone is not None
    assert both is not None
    assert both.count(b'"t":"log"') == 2
    assert alone.count(b'"t":"log"') == 1
