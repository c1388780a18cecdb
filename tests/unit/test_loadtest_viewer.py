"""Viewers of the load test: what they are charged for, and what not, when lines end and replies are late or odd."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from livestream.protocol.codec import Codec, encode_all
from livestream.protocol.commands import Comment, EnterDraw
from livestream.protocol.draws import BeaconKind, Draw, DrawOpened, DrawReceipt, DrawState, EntryKind
from livestream.protocol.errors import CloseCode, ErrorCode
from livestream.protocol.events import HostMessage, Said
from livestream.protocol.pushes import Log, Snapshot
from livestream.protocol.replies import AnyReply, Claimed, Error, Joined, Me, Ok, Posted
from livestream.protocol.roles import Role
from loadtest.behaviours.base import Task, Visit, marked
from loadtest.driver import Driver
from loadtest.messages import Address, Plan, Signing
from loadtest.scenario import read
from loadtest.viewer import Pending, State, Viewer
from tests.unit.test_loadtest_scenario import GOOD

NOW_MS = time.time_ns() // 1_000_000
FIRST = {Codec.JSON: 0x81, Codec.MSGPACK: 0x82}  #: byte of a frame that is a whole message


class Loop:
    """Does nothing by itself."""

    def __init__(self) -> None:
        self.later: list[Callable[[], None]] = []

    def call_later(self, seconds: float, act: Callable[..., None], *arguments: object) -> None:
        self.later.append(lambda: act(*arguments))

    def create_task(self, work: Any) -> Any:
        work.close()
        return Done()


class Done:
    def add_done_callback(self, done: object) -> None:
        pass


class Line:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def abort(self) -> None:
        pass


@pytest.fixture
def driver() -> Driver:
    scenario = read(GOOD.replace('"like", "claim"', '"like", "comment", "enter", "claim"'), {
        "like", "comment", "enter", "claim",
    }, {"freeze"})  # fmt: skip
    plan = Plan(
        worker=0, workers=1, scenario=scenario, room="r", sentences=["Hello"], run="run", line=None,
        address=Address(host="127.0.0.1", port=1, tls=False, name="127.0.0.1"),
        signing=Signing(shop="s", kid="k", key="k" * 32),
    )  # fmt: skip
    loop: Any = Loop()
    return Driver(plan, loop)


@pytest.fixture
def viewer(driver: Driver) -> Viewer:
    return driver.viewers[0]


def comes(viewer: Viewer, ago_us: int = 0) -> Line:
    """It is through the handshake, and asks to join."""
    line: Any = Line()
    viewer.driver.come(viewer, viewer.driver.now_us() - ago_us)
    viewer.transport, viewer.deflate = line, False
    viewer._join()
    return line  # type: ignore[no-any-return]


def hears(viewer: Viewer, *messages: Any) -> None:
    payload = encode_all(list(messages), viewer.codec)
    viewer.data_received(bytes((FIRST[viewer.codec], 126)) + len(payload).to_bytes(2, "big") + payload)


def joined(*, resumed: bool = False) -> Joined:
    me = Me(id="p", role=Role.VIEWER, name="x")
    return Joined(ref=0, room="r", epoch="e", now=NOW_MS, me=me, resume="token", resumed=resumed)


def enters(viewer: Viewer) -> Line:
    line = comes(viewer)
    hears(viewer, joined(), Snapshot(epoch="e", seq=0, room="r", title="t"))
    assert viewer.state is State.PRESENT
    return line


def said(viewer: Viewer, seq: int) -> Log:
    text = marked("Hello", viewer.driver.now_us())
    return Log(seq=seq, at=NOW_MS, event=Said(message=HostMessage(id="m" * 13, name="Host", text=text, at=NOW_MS)))


def asks(viewer: Viewer, behaviour: str = "comment") -> int:
    """It does something; the ref."""
    act = viewer.driver.behaviours[behaviour]
    options = msgspec.convert({}, act.options)
    assert viewer.driver.acting._do(viewer, act, options, viewer.driver.now_us())
    return next(reversed(viewer.pending))


def unknown(ref: int) -> Error:
    return Error(ref=ref, code=ErrorCode.OUTCOME_UNKNOWN, text="?", retry_after_ms=10)


def test_a_join_counts_from_the_arrival_and_not_from_the_last_attempt(viewer: Viewer) -> None:
    comes(viewer, ago_us=5_000_000)
    hears(viewer, Error(ref=0, code=ErrorCode.BUSY, text="later", retry_after_ms=10))
    assert viewer.state is State.AWAY
    enters(viewer)
    (took,) = viewer.driver.times["join"]
    assert took >= 50_000


def test_what_is_missed_is_charged_to_who_ended_the_line(viewer: Viewer) -> None:
    driver = viewer.driver
    enters(viewer)
    viewer.end(CloseCode.DRAIN)
    comes(viewer)
    hears(viewer, joined(resumed=True), said(viewer, 1), said(viewer, 2))
    assert len(driver.times["say.seen"]) == 2, "the server ended it"
    viewer.cut()
    comes(viewer)
    hears(viewer, joined(resumed=True), said(viewer, 3))
    assert len(driver.times["say.seen"]) == 2, "we did"
    hears(viewer, said(viewer, 4))
    assert len(driver.times["say.seen"]) == 3
    assert driver.counts["ended"] == driver.counts["ended.4000"] == 1
    assert (driver.counts["resumes"], driver._gaps) == (2, 0)


def test_who_reads_slowly_is_ended_under_another_name(viewer: Viewer) -> None:
    viewer.label = "slow."
    enters(viewer)
    viewer.end(CloseCode.SLOW)
    assert (viewer.driver.counts["slow.ended"], viewer.driver.counts["ended"]) == (1, 0)


def test_a_resume_that_is_refused_is_a_reset_and_the_way_back_is_measured(viewer: Viewer) -> None:
    driver = viewer.driver
    enters(viewer)
    viewer.cut()
    comes(viewer)
    hears(viewer, Error(ref=0, code=ErrorCode.TOKEN_EXPIRED, text="too old"))
    enters(viewer)
    assert (driver.counts["resets"], driver.counts["resumes"]) == (1, 0)
    assert (len(driver.times["join"]), len(driver.times["resume"]), len(driver.times["back"])) == (1, 1, 1)


def test_a_command_is_sent_once_on_each_line(viewer: Viewer) -> None:
    loop: Any = viewer.driver.loop
    enters(viewer)
    ref = asks(viewer)
    loop.later.clear()
    hears(viewer, unknown(ref))
    (again,) = loop.later
    viewer.cut()
    line = comes(viewer)
    hears(viewer, joined(resumed=True))
    assert len(line.written) == 2, "the join, and the command under its key"
    again()
    assert len(line.written) == 2
    hears(viewer, Posted(ref=ref, id="c" * 13))
    assert viewer.driver._astray == 0


def test_what_the_server_never_knows_may_have_been_done(viewer: Viewer) -> None:
    loop: Any = viewer.driver.loop
    enters(viewer)
    ref = asks(viewer)
    for _ in range(6):
        loop.later.clear()
        hears(viewer, unknown(ref))
        for act in loop.later:
            act()
    assert not viewer.pending
    assert viewer.driver._unknown == 1
    assert viewer.driver.counts["refused.comment.outcome_unknown"] == 1


def test_a_refusal_takes_time_and_counts_for_its_action(viewer: Viewer) -> None:
    driver = viewer.driver
    enters(viewer)
    hears(viewer, Error(ref=asks(viewer), code=ErrorCode.MUTED, text="no"))
    assert (driver.counts["refused"], driver.counts["refused.comment"], driver.counts["too_late"]) == (1, 1, 0)
    assert len(driver.times["comment.reply"]) == 1


def test_an_answer_of_another_kind_is_no_answer_of_the_command(viewer: Viewer) -> None:
    enters(viewer)
    hears(viewer, Ok(ref=asks(viewer)))
    assert dict(viewer.driver.acting.undeclared) == {"comment answered with ok": 1}


def test_a_claim_that_is_acknowledged_is_noted(viewer: Viewer) -> None:
    driver = viewer.driver
    claim = driver.behaviours["claim"]
    task = Task(1, "k", driver.now_us(), driver.random, None, "d" * 32)
    command = claim.command(viewer.person, task)
    assert command is not None
    assert list(claim.answered(viewer.person, command, Claimed(ref=1, delete_at=1), task))


def open_draw(password: str | None = None) -> Log:
    kind = EntryKind.CLICK if password is None else EntryKind.PASSWORD
    draw = Draw(
        id="d" * 32,
        title="D",
        state=DrawState.OPEN,
        prizes=[],
        entry=kind,
        password=password,
        beacon=BeaconKind.RECORDED,
    )
    return Log(seq=1, at=NOW_MS, event=DrawOpened(draw=draw))


@pytest.mark.parametrize(
    ("reply", "count"),
    [
        (Posted(ref=0, id="c" * 13, not_entered=ErrorCode.DRAW_NOT_ELIGIBLE), "refused.enter"),
        (Posted(ref=0, id="c" * 13, not_entered=ErrorCode.DRAW_NOT_OPEN), "too_late.enter"),
        (Posted(ref=0, id="c" * 13), "too_late.enter"),
    ],
    ids=["refused", "too late", "overheard"],
)
def test_a_password_that_is_no_entry_is_no_success(viewer: Viewer, reply: AnyReply, count: str) -> None:
    driver = viewer.driver
    enters(viewer)
    hears(viewer, open_draw("cup"))
    ref = asks(viewer, "enter")
    assert isinstance(viewer.pending[ref].command, Comment)
    hears(viewer, msgspec.structs.replace(reply, ref=ref))
    assert (driver.counts[count], driver.counts["accepted.enter"]) == (1, 0)
    late = driver.acting.notes["too_late"]
    assert [(note[:3], note[4]) for note in late] == (
        [(["enter", "draw_not_open", viewer.person.number], "d" * 32)] if count == "too_late.enter" else []
    )
    if late:
        assert abs(int(str(late[0][3])) - NOW_MS) < 3_600_000, "by the server's clock"


def test_a_password_whose_comment_is_refused_is_an_entry_all_the_same(viewer: Viewer) -> None:
    enters(viewer)
    hears(viewer, open_draw("cup"))
    ref = asks(viewer, "enter")
    receipt = DrawReceipt(
        protocol="LTD1",
        draw_id="d" * 32,
        rules_hash="0" * 64,
        entry_id="e" * 32,
        weight=1,
        entered_ms=NOW_MS,
        signature="0" * 128,
    )
    hears(viewer, Error(ref=ref, code=ErrorCode.BUSY, text="", temporary=True, entered=receipt))
    assert [note[:2] for note in viewer.driver.acting.notes["entered"]] == [["d" * 32, "e" * 32]]


def test_a_tap_that_comes_too_late_says_of_which_draw(viewer: Viewer) -> None:
    enters(viewer)
    hears(viewer, open_draw())
    ref = asks(viewer, "enter")
    assert isinstance(viewer.pending[ref].command, EnterDraw)
    hears(viewer, Error(ref=ref, code=ErrorCode.DRAW_NOT_OPEN, text="closed"))
    assert [note[4] for note in viewer.driver.acting.notes["too_late"]] == ["d" * 32]


async def test_a_payment_that_cannot_be_made_counts_as_refused(viewer: Viewer) -> None:
    acting, driver = viewer.driver.acting, viewer.driver
    await acting._visit(Visit("checkout", "http://elsewhere.example/", {"do": "pay"}, driver.now_us(), ["d", "s"]))
    assert driver.counts["due.checkout"] == driver.counts["refused.checkout"] == driver.counts["refused"] == 1
    assert len(driver.times["checkout"]) == 1
    assert not acting.notes["checkout"]


def test_the_hosts_words_are_due_as_any_action(driver: Driver) -> None:
    driver.acting.say(driver.now_us())
    assert driver.counts["due.say"] == driver.counts["dropped.say"] == driver.counts["due"] == 1


def test_a_cue_has_its_time_whatever_the_answer(driver: Driver) -> None:
    assert driver.host is not None
    enters(driver.host)
    command = Comment(ref=9, text="x", key="k")
    driver.host.send(Pending(command, driver.now_us(), makes="it"))
    hears(driver.host, Posted(ref=9, id="i" * 13))
    assert driver.acting.notes["made"] == [["i" * 13]]
    assert len(driver.times["cue.reply"]) == 1
