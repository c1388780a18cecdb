"""A room read anew, since somebody was erased from it: nothing of the old one is told, and nobody goes back in time."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

import msgpack
import msgspec

from gateway.channel import Channel, Loaded
from gateway.connection import Connection
from gateway.ring import Variant
from livestream.bus import BusMessage
from livestream.config import Settings
from livestream.moderation.wordlist import Wordlist
from livestream.protocol.codec import Codec
from livestream.protocol.events import Chat, Erased, HostMessage, Policy, Said, YouMayTalk
from livestream.protocol.groupbuy import OwnSeat, SeatState, TeamState, TeamView
from livestream.protocol.pushes import Snapshot
from livestream.protocol.state import RoomState, StaffState
from livestream.room.store import RoomLoad
from livestream.storage.roomlog import Logged, LoggedNotice
from tests.support.receivers import Remembering, on_uvloop, quiet

_TEAM = TeamView(id="000000000000t", deal="000000000000d", state=TeamState.FORMING, size=2, held=1, deadline=9)
OWN = OwnSeat(seat="000000000000s", at=1, team=_TEAM, state=SeatState.HELD, amount=900)
ERASED = msgspec.json.encode(Erased())


def read(
    title: str,
    seq: int = 0,
    staff_seq: int = 0,
    notice_seq: int = 0,
    epoch: str = "e",
    gauges: dict[str, int] | None = None,
) -> Loaded:
    """The room, as Postgres has it."""
    state = RoomState(room="demo", title=title, seq=seq)
    staff = StaffState(policy=Policy(chat=Chat()))
    room = RoomLoad("shop", "shop", state, staff, frozenset(), [], staff_seq, notice_seq, 0)
    return Loaded(room, Wordlist([]), [], epoch, gauges or {})


def said(*seqs: int) -> list[Logged]:
    messages = {seq: HostMessage(id=f"{seq:013d}", name="Ada", text=f"message {seq}", at=seq) for seq in seqs}
    return [Logged(seq, seq, msgspec.json.encode(Said(message=message))) for seq, message in messages.items()]


def snapshot(channel: Channel) -> Snapshot:
    return msgspec.json.decode(channel.snapshot_message(Codec.JSON, False), type=Snapshot)


def test_who_joined_while_the_room_was_read_leaves_nothing_of_it_behind() -> None:
    async def body() -> None:
        channel = Channel(read("Zygmunt's room"), Settings())
        viewer = Remembering()
        channel.fanout.add(viewer)
        channel.receive_staff([Logged(1, 1, ERASED)])
        assert channel.stale
        assert snapshot(channel).title == "Zygmunt's room"
        assert channel.reload(read("room", staff_seq=1), [])
        assert snapshot(channel).title == "room"
        await quiet(channel.fanout)
        assert [each["title"] for each in viewer.of("snapshot")] == ["room"]
        assert not channel.stale

    on_uvloop(body())


def test_what_came_while_the_room_was_read_is_in_the_reset_and_is_not_told_again() -> None:
    async def body() -> None:
        channel = Channel(read("a"), Settings())
        viewer = Remembering()
        channel.fanout.add(viewer)
        channel.receive_log(said(1, 2))
        channel.receive_staff([Logged(1, 1, ERASED)])
        loaded = read("b", seq=2, staff_seq=1)
        channel.receive_log(said(3, 4))
        assert channel.reload(loaded, [])
        channel.receive_log(said(3, 4, 5))
        await quiet(channel.fanout)
        (reset,) = viewer.of("snapshot")
        assert reset["seq"] == 4
        assert [each["text"] for each in reset["messages"]] == ["message 3", "message 4"]
        assert [each["seq"] for each in viewer.messages() if each["t"] == "log" and each["seq"] > 4] == [5]
        assert channel.tail.pushes_since(1, Codec.JSON) is None, "what is older may hold what was erased"

    on_uvloop(body())


def test_values_are_as_read_until_later_ones_come_and_a_reread_takes_none_back() -> None:
    async def body() -> None:
        channel = Channel(read("a", gauges={"draw_entries": 7}), Settings())
        assert snapshot(channel).values["draw_entries"] == 7
        channel.set_gauge("draw_entries", 9)
        assert channel.reload(read("b", gauges={"draw_entries": 8}), [])
        assert snapshot(channel).values["draw_entries"] == 9
        channel.restart(read("c", gauges={"draw_entries": 5}, epoch="f"))
        assert snapshot(channel).values["draw_entries"] == 5

    on_uvloop(body())


def test_a_read_that_is_ahead_of_the_bus_takes_what_waited_for_it() -> None:
    async def body() -> None:
        channel = Channel(read("a"), Settings())
        channel.receive_log(said(4))
        assert channel.gap
        assert channel.reload(read("b", seq=3), [])
        assert snapshot(channel).seq == 4
        assert not channel.gap

    on_uvloop(body())


def test_a_read_too_old_to_follow_from_is_refused() -> None:
    async def body() -> None:
        channel = Channel(read("a"), Settings(log_tail=5))
        channel.receive_log(said(*range(1, 20)))
        assert not channel.reload(read("b", seq=10), [])
        assert snapshot(channel).title == "a"
        assert channel.reload(read("b", seq=14), [])

    on_uvloop(body())


def test_a_notice_that_the_read_saw_before_the_bus_brought_it_is_told() -> None:
    async def body() -> None:
        channel = Channel(read("a"), Settings())
        notices = [LoggedNotice(seq, 1, "ann", msgspec.json.encode(YouMayTalk())) for seq in (1, 2)]
        channel.receive_notices(notices[:1])
        assert channel.reload(read("b", notice_seq=2), notices)
        assert [each.seq for each in channel.notices_since(0, "ann")] == [1, 2]

    on_uvloop(body())


def test_another_epoch_starts_over() -> None:
    async def body() -> None:
        channel = Channel(read("a"), Settings())
        channel.receive_log(said(1, 2, 3))
        channel.restart(read("b", seq=1, epoch="f"))
        assert (snapshot(channel).seq, snapshot(channel).epoch, channel.log.top) == (1, "f", 1)

    on_uvloop(body())


class Screen(Remembering):
    """A connection of somebody who is signed in."""

    session = SimpleNamespace(actor=None)

    def __init__(self, viewer: str, codec: Codec = Codec.JSON) -> None:
        super().__init__(Variant(codec, deflate=False, staff=False))
        self.viewer = viewer
        self.told: list[bytes] = []

    def send(self, messages: Sequence[bytes]) -> None:
        self.told += messages


def test_a_seat_taken_on_one_screen_is_told_on_the_others_of_that_viewer_alone() -> None:
    async def body() -> None:
        channel = Channel(read("a"), Settings())
        asker, laptop, phone, other = Screen("ann"), Screen("ann"), Screen("ann", Codec.MSGPACK), Screen("bob")
        for screen in (asker, laptop, phone, other):
            channel.add(cast(Connection, screen))
        seat = ("ann", msgspec.json.encode(OWN))
        channel.seat_taken(*seat, cast(Connection, asker))
        expected = [{"t": "your_seat", "own": msgspec.to_builtins(OWN)}]
        assert [msgspec.json.decode(each) for each in laptop.told] == expected
        assert [msgpack.unpackb(each) for each in phone.told] == expected
        assert asker.told == other.told == []
        elsewhere = BusMessage(origin=2)
        elsewhere.merge(BusMessage(origin=3, seats=[seat, ("zoe", seat[1]), ("bob", b'{"of":"a newer version"}')]))
        channel.receive(elsewhere)
        assert [len(screen.told) for screen in (asker, laptop, phone, other)] == [1, 2, 2, 0]

    on_uvloop(body())
