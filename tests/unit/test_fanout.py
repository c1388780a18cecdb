"""Fan-out, on the real loop: order, merging, late joiners, slow readers, floors and ticks."""

from __future__ import annotations

import asyncio
import itertools
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gateway.fanout import Fanout
from gateway.ring import Pending, Ring, Snapshots, Variant
from livestream.config import Settings
from livestream.metrics import FANOUT_SECONDS
from livestream.protocol import codec as wire
from livestream.protocol.codec import Codec
from livestream.protocol.pushes import Heartbeat, Snapshot
from tests.support.receivers import PLAIN, Remembering, logged, on_uvloop, quiet

SLOW = PLAIN._replace(slow=True)
STAFF = PLAIN._replace(staff=True)
VARIANTS = [
    Variant(codec, deflate, staff, slow)
    for codec, deflate, staff, slow in itertools.product(Codec, *[(False, True)] * 3)
]
ONE_BY_ONE = Settings(slice_size=1, live_floor_ms=0, gauge_tick_ms=50)


def crowd(fanout: Fanout, count: int, variant: Variant = PLAIN) -> list[Remembering]:
    receivers = [Remembering(variant) for _ in range(count)]
    for receiver in receivers:
        fanout.add(receiver)
    return receivers


def snapshots(seq: int) -> Snapshots:
    return {
        (codec, staff): wire.encode(
            Snapshot(epoch="e", seq=seq, room="r", title="t", staff_seq=9 if staff else 0), codec
        )
        for codec in Codec
        for staff in (False, True)
    }


def test_a_log_event_leaves_at_the_end_of_the_same_turn() -> None:
    async def run() -> None:
        fanout = Fanout(Settings())
        (receiver,) = crowd(fanout, 1)
        fanout.log(logged(1))
        fanout.log(logged(2, 3))
        assert receiver.frames == []
        await asyncio.sleep(0)
        assert len(receiver.frames) == 1
        assert receiver.seqs() == [1, 2, 3]

    on_uvloop(run())


def test_what_arrives_while_a_frame_is_under_way_joins_it() -> None:
    """At most one frame more for whoever had it, and none for the others: nothing waits for what was before."""

    async def run() -> None:
        fanout = Fanout(ONE_BY_ONE)
        receivers = crowd(fanout, 100)
        for seq in range(1, 51):
            fanout.log(logged(seq))
            await asyncio.sleep(0)
        await quiet(fanout)
        assert all(receiver.seqs() == list(range(1, 51)) for receiver in receivers)
        # The first 49 were told something before the last event came.
        assert [len(receiver.frames) for receiver in receivers] == [2] * 49 + [1] * 51

    on_uvloop(run())


def test_a_log_event_goes_round_in_one_round_whatever_is_under_way() -> None:
    async def run() -> None:
        fanout = Fanout(ONE_BY_ONE)
        receivers = crowd(fanout, 40)
        fanout.heartbeat(Heartbeat(now=5, seq=1))
        for _ in range(30):
            await asyncio.sleep(0)
        fanout.log(logged(1))
        for _ in range(41):
            await asyncio.sleep(0)
        assert all(receiver.seqs() == [1] for receiver in receivers)
        assert all(len(receiver.of("heartbeat")) == 1 for receiver in receivers)
        assert sum(len(receiver.frames) for receiver in receivers) < 80

    on_uvloop(run())


def test_a_long_run_lets_the_loop_breathe_after_each_slice() -> None:
    async def run() -> None:
        fanout = Fanout(Settings(slice_size=10))
        receivers = crowd(fanout, 1000)
        fanout.log(logged(1))
        turns = 0
        while not receivers[-1].frames:
            turns += 1
            assert sum(bool(receiver.frames) for receiver in receivers) <= turns * 10
            await asyncio.sleep(0)
        assert turns >= 100

    on_uvloop(run())


def test_all_of_one_variant_get_the_very_same_bytes() -> None:
    async def run() -> None:
        fanout = Fanout(Settings(compress_min_bytes=0))
        groups = [crowd(fanout, 5, variant) for variant in VARIANTS]
        fanout.log(logged(*range(1, 20)))
        await quiet(fanout)
        for group in groups:
            assert len({id(receiver.frames[0]) for receiver in group}) == 1
            assert all(receiver.seqs() == list(range(1, 20)) for receiver in group)

    on_uvloop(run())


@pytest.mark.parametrize("compress_min", [0, 10_000])
def test_every_variant_says_the_same(compress_min: int) -> None:
    async def run() -> None:
        fanout = Fanout(Settings(compress_min_bytes=compress_min, live_floor_ms=0, gauge_tick_ms=50))
        receivers = [crowd(fanout, 1, variant)[0] for variant in VARIANTS]
        fanout.live([b'{"t":"arrived","name":"Ann"}'], 3)
        fanout.gauge("likes", 7)
        fanout.heartbeat(Heartbeat(now=5, seq=1))
        fanout.staff(logged(9))
        fanout.log(logged(1))
        await quiet(fanout)
        for receiver in receivers:
            kinds = [message["t"] for message in receiver.messages()]
            assert kinds == ["log", *(["staff"] if receiver.variant.staff else []), "live", "gauge", "heartbeat"]
            assert receiver.of("log") == [{"t": "log", "seq": 1, "at": 1001, "event": {"t": "pinned"}}]
            assert receiver.of("live") == [{"t": "live", "events": [{"t": "arrived", "name": "Ann"}], "left_out": 3}]
            assert receiver.of("gauge") == [{"t": "gauge", "values": {"likes": 7}}]
            assert receiver.of("heartbeat") == [{"t": "heartbeat", "now": 5, "seq": 1}]

    on_uvloop(run())


def test_the_staff_log_reaches_staff_alone() -> None:
    async def run() -> None:
        fanout = Fanout(Settings())
        viewer, staff = crowd(fanout, 1)[0], crowd(fanout, 1, STAFF)[0]
        fanout.staff(logged(4, 5))
        await quiet(fanout)
        assert viewer.frames == []
        assert [message["seq"] for message in staff.of("staff")] == [4, 5]

    on_uvloop(run())


def test_a_late_joiner_gets_what_follows_its_snapshot_once_and_whole() -> None:
    async def run() -> None:
        fanout = Fanout(ONE_BY_ONE)
        early = crowd(fanout, 20)
        late: list[tuple[int, Remembering]] = []
        top = 0
        for _ in range(200):
            if random.random() < 0.5:
                top += 1
                fanout.log(logged(top))
            if random.random() < 0.3:
                receiver = Remembering()
                fanout.add(receiver)
                late.append((top, receiver))
            if random.random() < 0.5:
                await asyncio.sleep(0)
        await quiet(fanout)
        assert all(receiver.seqs() == list(range(1, top + 1)) for receiver in early)
        assert late
        assert all(receiver.seqs() == list(range(after + 1, top + 1)) for after, receiver in late)

    on_uvloop(run())


def test_who_left_gets_nothing_of_later_runs() -> None:
    async def run() -> None:
        fanout = Fanout(Settings())
        gone, there = crowd(fanout, 2)
        fanout.log(logged(1))
        await quiet(fanout)
        fanout.remove(gone)
        fanout.remove(gone)
        fanout.log(logged(2))
        await quiet(fanout)
        assert gone.seqs() == [1]
        assert there.seqs() == [1, 2]
        assert len(fanout) == 1
        assert fanout.members() == [there]

    on_uvloop(run())


def test_over_the_soft_limit_only_the_log_is_sent_and_over_the_hard_one_nothing() -> None:
    async def run() -> None:
        fanout = Fanout(Settings(soft_buffer_bytes=1024, hard_buffer_bytes=2048, live_floor_ms=0, gauge_tick_ms=50))
        unsent = [0, 1024, 1025, 2048, 2049]
        receivers = [Remembering(SLOW, unsent=count) for count in unsent]
        swift = Remembering(PLAIN, unsent=10**9)  # its kernel took all so far: nothing is weighed
        for receiver in [*receivers, swift]:
            fanout.add(receiver)
        fanout.live([b'{"t":"arrived","name":"Ann"}'], 0)
        fanout.gauge("likes", 1)
        await quiet(fanout)
        fanout.live([b'{"t":"arrived","name":"Bob"}'], 0)
        fanout.log(logged(1))
        await quiet(fanout)
        everything = ["live", "gauge", "log", "live"]
        kinds = [[message["t"] for message in receiver.messages()] for receiver in receivers]
        assert kinds == [everything, everything, ["log"], ["log"], []]
        assert [receiver.cut for receiver in receivers] == [False, False, False, False, True]
        assert [receiver.spares for receiver in receivers] == [0, 0, 2, 2, 0]
        assert [message["t"] for message in swift.messages()] == everything
        fanout.log(logged(2))  # of a frame that is all log nothing is spared
        await quiet(fanout)
        assert [receiver.messages()[-1]["seq"] for receiver in receivers[:4]] == [2, 2, 2, 2]
        assert [receiver.spares for receiver in receivers] == [0, 0, 2, 2, 0]

    on_uvloop(run())


@given(
    st.integers(0, 2**32),
    st.lists(st.sampled_from(["log", "live", "turn", "turn", "slow", "join", "leave"]), max_size=120),
)
@hypothesis_settings(deadline=None, max_examples=50)
def test_whoever_comes_goes_or_slows_down_nothing_is_missed_or_told_twice(seed: int, acts: list[str]) -> None:
    async def run() -> None:
        chance = random.Random(seed)
        fanout = Fanout(ONE_BY_ONE)
        first = crowd(fanout, 8)
        receivers = list(first)
        passers_by = crowd(fanout, 4)
        joined_at = dict.fromkeys(receivers, 0)
        top = shown = 0
        for act in acts:
            if act == "log":
                top += 1
                fanout.log(logged(top))
            elif act == "live":
                shown += 1
                fanout.live([b'{"t":"arrived","name":"%d"}' % shown], 0)
            elif act == "leave":
                if passers_by:
                    fanout.remove(passers_by.pop())
            elif act == "turn":
                await asyncio.sleep(0)
            elif act == "slow":
                receiver = chance.choice(receivers)
                fanout.regroup(receiver, receiver.variant._replace(slow=not receiver.variant.slow))
            else:
                receivers += crowd(fanout, 1)
                joined_at[receivers[-1]] = top
        await quiet(fanout)
        assert len(fanout) == len(receivers) + len(passers_by)
        for receiver in receivers:
            assert receiver.seqs() == list(range(joined_at[receiver] + 1, top + 1))
        for receiver in first:
            names = [event["name"] for frame in receiver.of("live") for event in frame["events"]]
            assert names == [str(number) for number in range(1, shown + 1)]

    on_uvloop(run())


def test_regrouping_who_is_not_in_changes_nothing() -> None:
    async def run() -> None:
        fanout = Fanout(Settings())
        stranger = Remembering()
        fanout.regroup(stranger, SLOW)
        assert len(fanout) == 0

    on_uvloop(run())


def test_live_frames_keep_their_floor_and_lose_nothing() -> None:
    async def run() -> None:
        fanout = Fanout(Settings(live_floor_ms=50))
        (receiver,) = crowd(fanout, 1)
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(60):
            fanout.live([b'{"t":"arrived","name":"%d"}' % number], 1)
            await asyncio.sleep(0.005)
        await quiet(fanout, 0.1)
        frames = receiver.of("live")
        assert 2 <= len(frames) <= (receiver.times[-1] - began) / 0.05 + 1.1  # the clock counts milliseconds
        assert [event["name"] for frame in frames for event in frame["events"]] == [str(n) for n in range(60)]
        assert sum(frame["left_out"] for frame in frames) == 60

    on_uvloop(run())


def test_a_log_event_does_not_wait_for_the_live_floor_and_takes_along_what_waits() -> None:
    async def run() -> None:
        fanout = Fanout(Settings(live_floor_ms=1000))
        (receiver,) = crowd(fanout, 1)
        fanout.live([b'{"t":"arrived","name":"1"}'], 0)
        await quiet(fanout)
        fanout.live([b'{"t":"arrived","name":"2"}'], 0)
        await quiet(fanout)
        assert len(receiver.of("live")) == 1
        fanout.log(logged(1))
        await asyncio.sleep(0)
        assert [message["t"] for message in receiver.messages()] == ["live", "log", "live"]
        assert len(receiver.frames) == 2

    on_uvloop(run())


def test_a_gauge_is_told_once_a_tick_with_its_latest_value() -> None:
    async def run() -> None:
        fanout = Fanout(Settings(gauge_tick_ms=100))
        (receiver,) = crowd(fanout, 1)
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(1, 61):
            fanout.gauge("likes", number)
            if number % 7 == 0:
                fanout.log(logged(number // 7))
            await asyncio.sleep(0.005)
        await quiet(fanout, 0.15)
        values = [message["values"]["likes"] for message in receiver.of("gauge")]
        assert 2 <= len(values) <= (receiver.times[-1] - began) / 0.1 + 1.1  # the clock counts milliseconds
        assert values == sorted(set(values))
        assert values[-1] == 60
        assert receiver.seqs() == list(range(1, 9))

    on_uvloop(run())


def test_gauges_of_one_tick_are_one_message() -> None:
    async def run() -> None:
        fanout = Fanout(Settings(gauge_tick_ms=50))
        (receiver,) = crowd(fanout, 1)
        fanout.gauge("likes", 1)
        await quiet(fanout)
        fanout.gauge("likes", 2)
        fanout.gauge("viewers", 5)
        fanout.gauge("likes", 3)
        await quiet(fanout, 0.1)
        assert [message["values"] for message in receiver.of("gauge")] == [{"likes": 1}, {"likes": 3, "viewers": 5}]

    on_uvloop(run())


def told(receivers: list[Remembering], kind: str) -> int:
    """How many of them were told something of this kind."""
    return sum(bool(receiver.of(kind)) for receiver in receivers)


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def rounds() -> float:
    """How many were measured."""
    return sum(each.value for each in FANOUT_SECONDS.collect()[0].samples if each.name.endswith("_count"))


def test_only_rounds_that_somebody_waits_for_are_measured() -> None:
    """Gauges take half a second by design: among what is measured they would look like a slow gateway."""

    async def run() -> None:
        fanout = Fanout(ONE_BY_ONE)
        crowd(fanout, 3)
        before = rounds()
        fanout.gauge("likes", 1)
        fanout.notes([b"{}"])
        await quiet(fanout)
        fanout.heartbeat(Heartbeat(now=5, seq=1))
        await quiet(fanout)
        assert rounds() == before
        fanout.log(logged(1))
        await quiet(fanout)
        assert rounds() == before + 1
        fanout.gauge("likes", 2)
        fanout.log(logged(2))  # in the same turn, on one ring
        await quiet(fanout)
        assert rounds() == before + 2

    on_uvloop(run())


def test_a_message_that_joins_gauges_which_nobody_got_yet_is_measured() -> None:
    ring = Ring([(PLAIN, (Remembering(),))], Pending())
    message = Pending()
    message.since = 7.0
    ring.join(message)
    done = ring.advance(1)
    assert done is not None
    assert done.batch.since == 7.0


def test_gauges_alone_go_round_at_leisure() -> None:
    async def run() -> None:
        fanout = Fanout(Settings(slice_size=1, gauge_tick_ms=400))
        receivers = crowd(fanout, 100)
        fanout.gauge("likes", 1)
        await turns(50)
        assert 1 <= told(receivers, "gauge") < 40  # a frame that somebody waits for would be with 50
        await quiet(fanout, 0.5)
        assert told(receivers, "gauge") == 100

    on_uvloop(run())


def test_who_waits_for_something_waits_for_no_gauge() -> None:
    async def run() -> None:
        fanout = Fanout(Settings(slice_size=1, live_floor_ms=0, gauge_tick_ms=60_000))
        receivers = crowd(fanout, 100)
        fanout.gauge("likes", 1)
        await turns(5)
        fanout.log(logged(1))
        await turns(102)
        assert all(receiver.seqs() == [1] for receiver in receivers)
        await turns(100)
        assert [len(receiver.of("gauge")) for receiver in receivers] == [1] * 100

    on_uvloop(run())


def test_who_waits_for_something_waits_for_no_gauge_that_it_cannot_join() -> None:
    """Somebody comes in while gauges go round, and what is said then is for them as well."""

    async def run() -> None:
        fanout = Fanout(Settings(slice_size=1, live_floor_ms=0, gauge_tick_ms=60_000))
        receivers = crowd(fanout, 100)
        fanout.gauge("likes", 1)
        await turns(5)
        receivers += crowd(fanout, 1)
        fanout.log(logged(1))
        await turns(205)
        assert all(receiver.seqs() == [1] for receiver in receivers)

    on_uvloop(run())


def test_the_live_lane_waits_for_its_floor_and_for_no_gauge() -> None:
    async def run() -> None:
        fanout = Fanout(Settings(slice_size=1, live_floor_ms=20, gauge_tick_ms=60_000))
        receivers = crowd(fanout, 3)  # the next of them is 10 s away
        fanout.live([b'{"t":"arrived","name":"1"}'], 0)
        await turns(5)
        fanout.gauge("likes", 1)
        fanout.live([b'{"t":"arrived","name":"2"}'], 0)
        await quiet(fanout, 0.3)
        assert [len(receiver.of("live")) for receiver in receivers] == [2, 2, 2]

    on_uvloop(run())


def test_a_heartbeat_is_the_time_of_day_and_goes_at_once() -> None:
    async def run() -> None:
        fanout = Fanout(Settings(slice_size=1, gauge_tick_ms=60_000))
        receivers = crowd(fanout, 100)
        fanout.gauge("likes", 1)
        fanout.heartbeat(Heartbeat(now=5, seq=1))
        await turns(102)
        assert told(receivers, "heartbeat") == 100

    on_uvloop(run())


def test_notes_cost_no_frame_of_their_own() -> None:
    async def run() -> None:
        fanout = Fanout(Settings(live_floor_ms=0, gauge_tick_ms=200))
        (receiver,) = crowd(fanout, 1)
        fanout.gauge("likes", 1)
        await quiet(fanout, 0.02)
        fanout.notes([b'{"t":"arrived","name":"1"}'])
        fanout.gauge("likes", 2)
        fanout.notes([b'{"t":"arrived","name":"2"}'])
        await quiet(fanout, 0.02)
        assert receiver.of("live") == []  # they wait for the gauges' tick
        await quiet(fanout, 0.4)
        assert [message["t"] for message in receiver.messages()] == ["gauge", "live", "gauge"]
        assert len(receiver.frames) == 2
        fanout.notes([b'{"t":"arrived","name":"3"}'])
        fanout.log(logged(1))
        await quiet(fanout, 0.02)
        assert [message["t"] for message in receiver.messages()][3:] == ["log", "live"]  # or go with what is sooner
        assert len(receiver.frames) == 3
        told = [event["name"] for message in receiver.of("live") for event in message["events"]]
        assert told == ["1", "2", "3"]

    on_uvloop(run())


def test_a_reset_takes_the_place_of_what_waits_and_the_log_goes_on_after_it() -> None:
    async def run() -> None:
        fanout = Fanout(Settings(live_floor_ms=1000, compress_min_bytes=0))
        receivers = [crowd(fanout, 1, variant)[0] for variant in VARIANTS]
        fanout.log(logged(1))
        await quiet(fanout)
        fanout.log(logged(2, 3))
        fanout.live([b'{"t":"arrived","name":"1"}'], 2)
        fanout.reset(snapshots(seq=50))
        fanout.log(logged(51))
        newcomer = Remembering()
        fanout.add(newcomer)
        fanout.log(logged(52))
        await quiet(fanout)
        for receiver in receivers:
            told = [(message["t"], message["seq"]) for message in receiver.messages()]
            assert told == [("log", 1), ("snapshot", 50), ("log", 51), ("log", 52)]
            (snapshot,) = receiver.of("snapshot")
            assert snapshot.get("staff_seq", 0) == (9 if receiver.variant.staff else 0)
        assert newcomer.seqs() == [52]
        assert newcomer.of("snapshot") == []

    on_uvloop(run())


def test_however_many_come_while_a_frame_is_under_way_the_rounds_that_wait_are_merged() -> None:
    async def run() -> None:
        fanout = Fanout(ONE_BY_ONE)
        receivers = crowd(fanout, 50)
        for number in range(1, 41):
            fanout.live([b'{"t":"arrived","name":"%d"}' % number], 0)
            await asyncio.sleep(0)
            fanout.remove(crowd(fanout, 1)[0])
        await quiet(fanout)
        for receiver in receivers:
            assert sum(len(frame["events"]) for frame in receiver.of("live")) == 40
            assert len(receiver.frames) == 2

    on_uvloop(run())


def test_who_leaves_does_not_make_the_next_message_wait() -> None:
    async def run() -> None:
        fanout = Fanout(ONE_BY_ONE)
        receivers = crowd(fanout, 40)
        fanout.log(logged(1))
        for _ in range(20):
            await asyncio.sleep(0)
        fanout.remove(receivers.pop())
        fanout.log(logged(2))
        for _ in range(41):
            await asyncio.sleep(0)
        assert all(receiver.seqs() == [1, 2] for receiver in receivers)

    on_uvloop(run())


def test_a_reset_overtakes_nothing_that_is_under_way() -> None:
    async def run() -> None:
        fanout = Fanout(ONE_BY_ONE)
        receivers = crowd(fanout, 10)
        fanout.log(logged(1))
        for _ in range(5):
            await asyncio.sleep(0)
        fanout.reset(snapshots(seq=50))
        await asyncio.sleep(0)
        fanout.log(logged(51))
        await quiet(fanout)
        for receiver in receivers:
            told = [(message["t"], message["seq"]) for message in receiver.messages()]
            assert told == [("log", 1), ("snapshot", 50), ("log", 51)]

    on_uvloop(run())


def test_an_empty_room_keeps_nothing_for_whoever_comes() -> None:
    async def run() -> None:
        fanout = Fanout(Settings(live_floor_ms=0, gauge_tick_ms=50))
        fanout.log(logged(1))
        fanout.live([b"{}"], 0)
        await quiet(fanout)
        (receiver,) = crowd(fanout, 1)
        fanout.log(logged(2))
        await quiet(fanout)
        assert receiver.seqs() == [2]
        assert receiver.of("live") == []

    on_uvloop(run())


def test_what_is_encoded_is_what_the_log_holds_in_both_codecs() -> None:
    async def run() -> None:
        fanout = Fanout(Settings())
        text = '{"t":"said","message":{"id":"0000000000001","name":"Ada","text":"“sì” 你好 \\u0000","at":1}}'
        receivers = [crowd(fanout, 1, Variant(codec, False, False))[0] for codec in Codec]
        fanout.log([msgspec.structs.replace(logged(1)[0], event=text.encode())])
        await quiet(fanout)
        for receiver in receivers:
            assert receiver.of("log")[0]["event"] == msgspec.json.decode(text)

    on_uvloop(run())


def test_what_is_due_within_a_millisecond_leaves_too() -> None:
    """uvloop turns so short a timer into a plain call, whose handle knows no `when`."""

    async def run() -> None:
        fanout = Fanout(Settings())
        (receiver,) = crowd(fanout, 1)
        fanout._live_at = asyncio.get_running_loop().time() + 0.0003
        fanout.live([b'{"t":"arrived","name":"Ann"}'], 0)
        fanout.live([b'{"t":"arrived","name":"Bob"}'], 0)
        async with asyncio.timeout(5):
            while not receiver.frames:
                await asyncio.sleep(0.001)
        await asyncio.sleep(0.02)
        assert len(receiver.frames) == 1

    on_uvloop(run())
