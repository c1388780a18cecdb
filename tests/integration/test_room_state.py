"""The whole room: a snapshot of any moment and the pushes after it are a fresh snapshot, for viewers and for staff.

Random lives of a room: everything that staff and viewers can do, in any order, over two processes. At every step a
snapshot is taken; in the end each, with what was pushed since, must equal what Postgres gives a newcomer.
"""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from livestream import seed
from livestream.client_state import RoomView, apply
from livestream.config import Settings
from livestream.protocol import commands as c
from livestream.protocol.errors import Refused
from livestream.protocol.events import Chat, LogEvent, Policy, Product, StaffEvent
from livestream.protocol.pushes import Log, Snapshot, Staff
from livestream.protocol.replies import Announced, Posted
from livestream.protocol.roles import Role
from livestream.protocol.show import ShowState
from livestream.protocol.state import RoomState
from livestream.room import chores, rooms
from livestream.room.desk import Actor
from livestream.storage.pool import Database
from tests.support import live_draws
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
    ),
    min_size=15,
    max_size=60,
)


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
        self.snapshots: list[tuple[bool, Snapshot]] = []

    def _actor(self, who: str, role: Role) -> Actor:
        return Actor(seed.SHOP, self.room_id, f"viewer:{who}", who, role, who.capitalize(), f"p-{who}")

    async def run(self, who: str, role: Role, command: c.Command) -> str | None:
        """Run a command on the next process; returns what it made. Refusals are part of life."""
        self._turn += 1
        process = self._processes[self._turn % 2]
        room = (await process.hub.channel(self.room_id)).local
        try:
            reply = await process.service.run(self._actor(who, role), command, room)
        except Refused:
            return None
        if isinstance(reply, Announced):
            self._draws.append(reply.draw)
        return reply.id if isinstance(reply, Posted) else None

    async def begin(self) -> None:
        """A show on air in which everybody has said something."""
        await self.act(("schedule",))
        await self.act(("set_show", ShowState.LIVE))
        for number in range(6):
            await self.act(("comment", number, f"good evening from {'abcdef'[number]}"))

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
        """Take a snapshot of each process as it is now."""
        for process in self._processes:
            channel = await process.hub.channel(self.room_id)
            self.snapshots += [(staff, channel.snapshot(staff)) for staff in (False, True)]

    async def pushes(self) -> list[Log | Staff]:
        """All that Postgres holds of both logs."""
        async with self._database.read() as connection:
            log = await connection.fetch(
                "SELECT seq, event::text AS event FROM room_log WHERE room_id = $1 ORDER BY seq", self.room_id
            )
            staff = await connection.fetch(
                "SELECT seq, event::text AS event FROM staff_log WHERE room_id = $1 ORDER BY seq", self.room_id
            )
        return [
            *(Log(seq=row["seq"], at=0, event=msgspec.json.decode(row["event"], type=LogEvent)) for row in log),
            *(Staff(seq=row["seq"], at=0, event=msgspec.json.decode(row["event"], type=StaffEvent)) for row in staff),
        ]


def comparable(view: RoomView) -> dict[str, Any]:
    """What two views must agree in: all that the two logs say. Comments are of the live lane."""
    kept: dict[str, Any] = msgspec.to_builtins(view)
    for name in ("comments", "echoes", "left_out", "values", "staff"):
        del kept[name]
    return kept


@given(acts=ACTS)
@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
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
        pushes = await life.pushes()
        async with node(database, settings, 3) as newcomer:
            channel = await newcomer.hub.channel(room_id)
            fresh = {staff: apply(RoomView(), channel.snapshot(staff)) for staff in (False, True)}
    for staff, snapshot in life.snapshots:
        view = apply(RoomView(), snapshot)
        for push in pushes:
            seen = snapshot.seq if isinstance(push, Log) else snapshot.staff_seq
            if push.seq > seen and (staff or isinstance(push, Log)):
                view = apply(view, push)
        assert comparable(view) == comparable(fresh[staff])
        assert not {comment.id for comment in view.comments} & set(view.deleted)


async def new_room(database: Database) -> str:
    """A room on air, with a product, a purchase, and a host whose name everybody knows."""
    room_id = f"r{secrets.token_hex(8)}"
    chat = Chat(anonymous=True)
    async with database.transaction() as tx:
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
