"""The whole room: a snapshot of any moment and the pushes after it are a fresh snapshot, for viewers and for staff.

Random lives of a room: everything that staff and viewers can do, in any order, over two processes, with draws and
group buys. At every step a snapshot is taken, and what is each viewer's own; in the end each, with what was pushed
since, must equal what Postgres gives a newcomer.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, cast

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from livestream import seed
from livestream.client_state import RoomView, apply
from livestream.config import Settings
from livestream.protocol import commands as c
from livestream.protocol.draws import OwnDraw
from livestream.protocol.errors import Refused, Unavailable
from livestream.protocol.events import Chat, LogEvent, NoticeEvent, Policy, Product, StaffEvent
from livestream.protocol.groupbuy import OwnSeat, SeatState, YourTeam
from livestream.protocol.pushes import AnyPush, Log, Notice, Snapshot, Staff
from livestream.protocol.replies import Announced, Posted, Seated
from livestream.protocol.roles import Role
from livestream.protocol.show import ShowState
from livestream.protocol.state import RoomState
from livestream.room import chores, rooms
from livestream.room.desk import Actor
from livestream.storage.pool import Database
from tests.support import live_draws, sales
from tests.support.nodes import Node, node

NUMBER = st.integers(0, 5)
FEW = st.lists(NUMBER, min_size=1, max_size=3)
FLAG = st.booleans()
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), FLAG, st.none() | NUMBER),
        st.tuples(st.sampled_from(["retract", "unretract", "pin"]), NUMBER),
        st.tuples(st.just("unpin")),
        st.tuples(st.just("feature"), st.sampled_from([None, "cup", "none"])),
        st.tuples(st.just("set_show"), st.sampled_from(ShowState)),
        st.tuples(st.just("schedule")),
        st.tuples(st.sampled_from(["countdown", "cancel_countdown", "freeze", "unfreeze", "attend"])),
        st.tuples(st.just("comment"), NUMBER, st.sampled_from(["hello", "what an idiot", "see x.com", "cheap?"])),
        st.tuples(st.sampled_from(["delete", "restore"]), FEW),
        st.tuples(st.just("rule"), FEW, FLAG),
        st.tuples(st.just("report"), NUMBER, NUMBER),
        st.tuples(st.sampled_from(["mute", "ban"]), NUMBER, FLAG),
        st.tuples(st.sampled_from(["unmute", "unban", "hand_over"]), NUMBER),
        st.tuples(st.just("set_chat"), st.sampled_from(["approve_first", "links", "buyers_only", "anonymous"]), FLAG),
        st.tuples(st.just("set_room"), st.sampled_from([None, "Other"]), st.sampled_from([None, 0.0, 2.5])),
        st.tuples(st.just("refund"), st.sampled_from([None, 500, 20_000])),
        st.tuples(st.just("decide"), NUMBER, FLAG),
        st.tuples(st.sampled_from(["create_draw", "open_draw", "close_draw", "cancel_draw", "enter", "work"]), NUMBER),
        sales.ACTS,
        sales.ACTS,
        sales.ACTS,
        sales.ACTS,
        sales.ACTS,
    ),
    min_size=15,
    max_size=80,
)
#: what each log becomes on the wire, and to whom
_MADE: dict[str, Callable[[int, str], Log | Staff | Notice]] = {
    "room_log": lambda seq, event: Log(seq=seq, at=0, event=msgspec.json.decode(event, type=LogEvent)),
    "staff_log": lambda seq, event: Staff(seq=seq, at=0, event=msgspec.json.decode(event, type=StaffEvent)),
    "notice": lambda seq, event: Notice(notice=seq, at=0, event=msgspec.json.decode(event, type=NoticeEvent)),
}
_TO = {"room_log": "''", "staff_log": "''", "notice": "pseudonym"}
VIEWERS = {f"p-v{number}": f"v{number}" for number in range(6)}


class Life:
    """One room, two processes, and all that was pushed so far."""

    def __init__(self, room_id: str, processes: list[Node], database: Database) -> None:
        self.room_id = room_id
        self._processes = processes
        self._database = database
        self._turn = 0
        self._messages: list[str] = []
        self._comments: list[str] = []
        self._refunds: list[str] = []
        self._draws: list[str] = []
        self._sale = sales.Sale(database, room_id, self.run)
        self._told = dict.fromkeys(_MADE, 0)
        self.snapshots: list[tuple[bool, Snapshot]] = []
        self.pushes: list[tuple[str, Log | Staff | Notice]] = []  #: in the order of commits, with whom a notice is to
        self.owns: list[
            tuple[int, dict[str, RoomView]]
        ] = []  #: what was each viewer's, and how much was pushed by then

    def _actor(self, who: str, role: Role) -> Actor:
        return Actor(seed.SHOP, self.room_id, f"viewer:{who}", who, role, who.capitalize(), f"p-{who}")

    async def run(self, who: str, role: Role, command: c.Command) -> str | None:
        """Run a command on the next process; returns what it made. Refusals are part of life."""
        self._turn += 1
        process = self._processes[self._turn % 2]
        room = (await process.hub.channel(self.room_id)).local
        try:
            reply = await process.service.run(self._actor(who, role), command, room)
        except (Refused, Unavailable):  # nobody takes money here: a payment begins, and the sale pays it
            return None
        if isinstance(reply, Announced):
            self._draws.append(reply.draw)
        if isinstance(reply, Seated):  # the answer is their notice
            await self.hear()
            self.pushes.append((f"p-{who}", Notice(notice=0, at=0, event=YourTeam(own=reply.own))))
        return reply.id if isinstance(reply, Posted) else None

    async def hear(self) -> None:
        """Take in what was committed since."""
        for table, made in _MADE.items():
            async with self._database.read() as connection:
                rows = await connection.fetch(
                    f"SELECT seq, {_TO[table]} AS who, event::text AS event FROM {table}"
                    " WHERE room_id = $1 AND seq > $2 ORDER BY seq",
                    self.room_id,
                    self._told[table],
                )
            self.pushes += [(row["who"], made(row["seq"], row["event"])) for row in rows]
            self._told[table] = rows[-1]["seq"] if rows else self._told[table]

    async def own(self) -> dict[str, RoomView]:
        """What is each viewer's now, as who comes in is told it."""
        async with self._database.read() as connection:
            found = await self._processes[0].parts.own(connection, self.room_id, seed.SHOP, VIEWERS)
        views = dict.fromkeys(VIEWERS, RoomView())
        for who, pushes in found.items():
            for push in pushes:
                views[who] = apply(views[who], cast(AnyPush, push))
        return views

    async def begin(self) -> None:
        """A show on air in which everybody has said something, and a first team forms."""
        await self.act(("schedule",))
        await self.act(("set_show", ShowState.LIVE))
        for number in range(6):
            await self.act(("comment", number, f"good evening from {'abcdef'[number]}"))
        await self.act(("sale", "open_deal", 1, 1))
        await self.act(("sale", "open_team", 0, 0))

    async def act(self, act: tuple[Any, ...]) -> None:
        match act:
            case ("say", pin, answers):
                comment = self._of(self._comments, answers)
                made = await self.host(c.Say(ref=1, text=f"message {self._turn}", pin=pin, answers=comment))
                self._messages += [made] if made else []
            case ("retract", number) if self._messages:
                await self.host(c.Retract(ref=1, message=self._messages[number % len(self._messages)]))
            case ("unretract", number) if self._messages:
                await self.host(c.Unretract(ref=1, message=self._messages[number % len(self._messages)]))
            case ("pin", number) if self._messages:
                await self.host(c.Pin(ref=1, message=self._messages[number % len(self._messages)]))
            case ("unpin",):
                await self.host(c.Pin(ref=1, message=None))
            case ("feature", product):
                await self.host(c.Feature(ref=1, product=product))
            case ("set_show", state):
                await self.host(c.SetShow(ref=1, state=state))
            case ("schedule",):
                await self.host(c.Schedule(ref=1, title="Next", starts_at=1))
            case ("countdown",):
                await self.host(c.Countdown(ref=1, title="Sale", seconds=3600))
            case ("cancel_countdown",):
                await self.host(c.CancelCountdown(ref=1))
            case ("freeze",):
                await self.host(c.Freeze(ref=1, message="Back soon", video_url="https://live.example/b"))
            case ("unfreeze",):
                await self.host(c.Unfreeze(ref=1))
            case ("attend",):
                await self._nobody_on_duty()
            case ("comment", number, text):
                made = await self.run(f"v{number}", Role.VIEWER, c.Comment(ref=1, text=text))
                self._comments += [made] if made else []
            case ("delete" | "restore" | "rule" as kind, numbers, *show) if self._comments:
                ids = [self._comments[number % len(self._comments)] for number in numbers]
                await self.mod({"t": kind, "comments": ids, **({"show": show[0]} if show else {})})
            case ("report", number, who) if self._comments:
                comment = self._of(self._comments, number)
                assert comment is not None
                await self.run(f"v{who}", Role.VIEWER, c.Report(ref=1, comment=comment))
            case ("mute" | "ban" as kind, number, delete):
                seconds = 600 if delete else None
                await self.mod({"t": kind, "who": f"p-v{number}", "seconds": seconds, "delete": delete})
            case ("unmute" | "unban" as kind, number):
                await self.mod({"t": kind, "who": f"p-v{number}"})
            case ("hand_over", number):
                await self.host(c.HandOver(ref=1, to=f"p-v{number}"))
            case ("set_chat", name, flag):
                await self.mod({"t": "set_chat", name: flag})
            case ("set_room", title, delay):
                await self.operator(c.SetRoom(ref=1, title=title, video_delay_s=delay))
            case ("refund", amount):
                made = await self.operator(
                    c.Refund(ref=1, purchase="A1", amount=amount, why="broken", key=secrets.token_hex(8))
                )
                self._refunds += [made] if made else []
            case ("decide", number, confirm) if self._refunds:
                refund = self._refunds[number % len(self._refunds)]
                await self.run("second", Role.OPERATOR, c.DecideRefund(ref=1, refund=refund, confirm=confirm))

            case ("create_draw", _):
                await self.host(c.CreateDraw(ref=1, plan=live_draws.plan()))
            case ("open_draw", number) if self._draws:
                draw = self._draws[-1 - number % len(self._draws)]
                promised = live_draws.commitment(draw)
                await self.host(c.OpenDraw(ref=1, draw=draw, commitments=[promised], names=["Ada"]))
            case ("close_draw" | "cancel_draw" as kind, number) if self._draws:
                draw = self._draws[-1 - number % len(self._draws)]
                why = {"why": "no"} if kind == "cancel_draw" else {}
                await self.host(msgspec.convert({"t": kind, "ref": 1, "draw": draw, **why}, c.AnyCommand))
            case ("enter", number) if self._draws:
                await self.run(f"v{number}", Role.VIEWER, c.EnterDraw(ref=1, draw=self._draws[-1]))
            case ("sale", what, one, other):
                await self._sale.act(what, one, other)
            case ("work", _):
                await live_draws.conduct(self._database)
                for draw in self._draws:
                    reveal = c.RevealDraw(ref=1, draw=draw, party=2, secret=live_draws.COHOST_SECRET.hex())
                    await self.host(reveal)
                await live_draws.conduct(self._database)

    async def host(self, command: c.Command) -> str | None:
        return await self.run("ada", Role.HOST, command)

    async def operator(self, command: c.Command) -> str | None:
        return await self.run("olga", Role.OPERATOR, command)

    async def mod(self, command: dict[str, object]) -> str | None:
        return await self.run("mo", Role.MODERATOR, msgspec.convert({**command, "ref": 1}, c.AnyCommand))

    async def _nobody_on_duty(self) -> None:
        async with self._database.transaction() as tx:
            await tx.execute(
                "UPDATE room SET staff_seen_at = clock_timestamp() - interval '1 hour' WHERE room_id = $1", self.room_id
            )
        await chores.leave_unattended(self._database)

    @staticmethod
    def _of(ids: list[str], number: int | None) -> str | None:
        return ids[number % len(ids)] if ids and number is not None else None

    async def remember(self) -> None:
        """Take a snapshot of each process as it is now, and what is whose."""
        await self.hear()
        self.owns.append((len(self.pushes), await self.own()))
        for process in self._processes:
            channel = await process.hub.channel(self.room_id)
            self.snapshots += [(staff, channel.snapshot(staff)) for staff in (False, True)]


def comparable(view: RoomView) -> dict[str, Any]:
    """What two views must agree in: all that the two logs say. Comments are of the live lane."""
    kept: dict[str, Any] = msgspec.to_builtins(view)
    for name in ("comments", "echoes", "left_out", "values", "staff"):
        del kept[name]
    return kept


def own_of(view: RoomView) -> tuple[list[OwnSeat], list[OwnDraw]]:
    """What two views of one viewer must agree in. Who is out of a team is told no more of it; who enters, or begins
    to pay, has it from the answer."""
    seats = []
    for seat in view.seats:
        if seat.state is SeatState.RELEASED:
            seat = msgspec.structs.replace(seat, team=None, hold_until=None)
        elif seat.state is SeatState.PAYING:
            seat = msgspec.structs.replace(seat, state=SeatState.HELD)
        seats.append(msgspec.structs.replace(seat, at=0, hold_until=None))
    prizes = [msgspec.structs.replace(each, receipt=None) for each in view.own_draws if each.prize is not None]
    return seats, prizes


@pytest.mark.timeout(600)
@given(acts=ACTS)
@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
async def test_a_snapshot_of_any_moment_and_the_pushes_after_it_are_a_fresh_snapshot(
    database: Database, settings: Settings, seeded: str, acts: list[tuple[Any, ...]]
) -> None:
    room_id = await new_room(database)
    async with node(database, settings, 1) as first, node(database, settings, 2) as second:
        life = Life(room_id, [first, second], database)
        await life.begin()
        await life.remember()
        for act in acts:
            await life.act(act)
            await life.remember()
        own = await life.own()
        async with node(database, settings, 3) as newcomer:
            channel = await newcomer.hub.channel(room_id)
            fresh = {staff: apply(RoomView(), channel.snapshot(staff)) for staff in (False, True)}
    for staff, snapshot in life.snapshots:
        view = apply(RoomView(), snapshot)
        for _, push in life.pushes:
            if isinstance(push, Notice):
                continue
            seen = snapshot.seq if isinstance(push, Log) else snapshot.staff_seq
            if push.seq > seen and (staff or isinstance(push, Log)):
                view = apply(view, push)
        assert comparable(view) == comparable(fresh[staff])
        assert not {comment.id for comment in view.comments} & set(view.deleted)
    for position, views in life.owns:
        for who, view in views.items():
            for to, push in life.pushes[:position]:  # they were not seen, come again late, and overwrite nothing
                if to == who and isinstance(push, Notice) and isinstance(push.event, YourTeam):
                    view = apply(view, push)
            for to, push in life.pushes[position:]:
                view = apply(view, push) if isinstance(push, Log) or to == who else view
            assert own_of(view) == own_of(own[who])


async def new_room(database: Database) -> str:
    """A room on air, with a product, a purchase, and a host whose name everybody knows."""
    room_id = f"r{secrets.token_hex(8)}"
    chat = Chat(anonymous=True)
    async with database.transaction() as tx:
        await tx.execute("UPDATE shop SET refund_limit = 500")  # small refunds are made at once, others wait
        await rooms.create(tx, seed.SHOP, RoomState(room=room_id, title="Room", chat=chat), Policy(chat=chat))
        await tx.execute(
            "INSERT INTO product (shop_id, product_id, body) VALUES ($1, 'cup', $2::text::json) ON CONFLICT DO NOTHING",
            seed.SHOP,
            msgspec.json.encode(Product(id="cup", title="Cup", price=1999, currency="PLN")).decode(),
        )
        await tx.execute(
            "INSERT INTO purchase (shop_id, purchase_id, pseudonym, amount, currency, exponent)"
            " VALUES ($1, 'A1', 'p-v0', 50000, 'PLN', 2) ON CONFLICT (shop_id, purchase_id) DO UPDATE SET refunded = 0",
            seed.SHOP,
        )
        await tx.execute(
            "INSERT INTO person (shop_id, pseudonym, viewer_id, name) VALUES ($1, 'p-v5', 'v5', 'V5')"
            " ON CONFLICT DO NOTHING",
            seed.SHOP,
        )
        await tx.execute(
            "INSERT INTO staff (shop_id, room_id, pseudonym, role) VALUES ($1, $2, 'p-v5', 'host')",
            seed.SHOP,
            room_id,
        )
    return room_id
