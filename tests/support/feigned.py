"""Feigned: a small server that speaks the protocol from memory, and breaks whichever promise it is told to.

The load test must catch it. Honest, it must pass: then what is caught is the
plant, and not the pot.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import jwt
import msgspec
from aiohttp import WSMsgType, web

from livestream.protocol.codec import Codec, decode_commands, encode_all, plain
from livestream.protocol.commands import Comment, Join, Like, Say
from livestream.protocol.errors import CloseCode, ErrorCode
from livestream.protocol.event import Event
from livestream.protocol.events import Commented, HostMessage, Said
from livestream.protocol.pushes import AnyPush, ComeBack, Live, Log, Notice, Snapshot
from livestream.protocol.replies import AnyReply, Error, Joined, Me, Ok, Posted
from livestream.protocol.roles import Role

from .feigned_sale import FeignedSale
from .plants import Plant

SHOP, ROOM, KID, KEY = "feigned", "main", "feigned-1", "k" * 32
_DISPLAY = 3  #: of so many comments one is left out
_FIRST = 5  #: who come before everybody else: four witnesses and the host


@dataclass(eq=False)
class Seat:
    """One connection."""

    socket: web.WebSocketResponse
    codec: Codec
    number: int
    role: str = "viewer"
    who: str = ""
    joined: bool = False
    held: list[AnyPush] = field(default_factory=list)  #: for the wrong order
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Feigned:
    """The server. `plant` may be set at any time."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.url = ""
        self.log: list[Log] = []
        self.lost_log: set[int] = set()
        self.comments: list[dict[str, Any]] = []
        self.erased: list[str] = []
        self.products: list[str] = []
        self.sale = self._new_sale()
        self.joins = 0
        self._seats: set[Seat] = set()
        self._ids = itertools.count(1)
        self._counts: dict[str, int] = {}
        self._known: dict[str, Posted] = {}  #: answers by key
        self._tasks: set[asyncio.Task[None]] = set()

    # -- HTTP

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v1/shops/{shop}/rehearse", self._rehearse)
        app.router.add_post("/v1/shops/{shop}/erase_rehearsal", self._erase)
        app.router.add_post("/v1/shops/{shop}/put_product", self._product)
        for path, answer in self._sale_reads().items():
            app.router.add_get(path, _handler(answer))
        app.router.add_post("/checkout/{seat}", self._paid)
        app.router.add_get("/v1/rooms/{room}", self._room)
        app.router.add_get("/v1/rooms/{room}/log", self._log)
        app.router.add_get("/v1/rooms/{room}/comments", self._comments)
        app.router.add_post("/v1/rooms/{room}/{command}", self._done)
        app.router.add_get("/v1/ws", self._ws)
        return app

    def _sale_reads(self) -> dict[str, Callable[[web.Request], web.Response]]:
        deal, draw = "/v1/rooms/{room}/deals/{deal}", "/v1/draws/{draw}"
        return {
            "/v1/rooms/{room}/deals": lambda _: _listed(self.sale.deals()),
            deal + "/teams": lambda _: _listed(self.sale.team_views()),
            deal + "/orders": lambda _: _listed(self.sale.orders()),
            deal + "/settlement.csv": lambda _: _file(self.sale.settlement(), "text/csv"),
            "/v1/rooms/{room}/seats": lambda request: _listed(self.sale.seats(_who(request))),
            "/v1/rooms/{room}/draws": lambda _: _listed(self.sale.history()),
            draw + "/proof": lambda request: _file(self.sale.proof(request.match_info["draw"])),
            "/v1/shops/{shop}" + draw[3:] + "/claims": lambda request: _file(
                self.sale.claims(request.match_info["draw"]), "text/csv"
            ),
        }

    async def _rehearse(self, request: web.Request) -> web.Response:
        self.log, self.comments, self.sale = [], [], self._new_sale()
        return web.json_response({"shop": SHOP, "room": f"{ROOM}-r"})

    async def _erase(self, request: web.Request) -> web.Response:
        self.erased.append((await request.json())["room"])
        return web.json_response({})

    async def _product(self, request: web.Request) -> web.Response:
        self.products.append((await request.json())["product"])
        return web.json_response({})

    async def _paid(self, request: web.Request) -> web.Response:
        taken = self.sale.pay(request.match_info["seat"])
        await self._tell_news()
        return web.Response(text="paid") if taken else web.Response(text="over", status=409)

    def _new_sale(self) -> FeignedSale:
        return FeignedSale(lambda: self.plant, self._id, lambda seat: f"{self.url}/checkout/{seat}")

    async def _done(self, request: web.Request) -> web.Response:
        return web.json_response({"t": "ok", "ref": 0})

    async def _room(self, request: web.Request) -> web.Response:
        room = request.match_info["room"]
        return web.json_response({"room": room, "rehearsal": room.endswith("-r"), "seq": len(self.log)})

    async def _log(self, request: web.Request) -> web.Response:
        after, limit = int(request.query["after"]), int(request.query["limit"])
        found = [each for each in self.log if each.seq > after and each.seq not in self.lost_log][:limit]
        items = [plain(each) for each in found]
        return web.json_response({"items": [{k: v for k, v in item.items() if k != "t"} for item in items]})  # type: ignore[attr-defined]

    async def _comments(self, request: web.Request) -> web.Response:
        limit, before = int(request.query["limit"]), request.query.get("before")
        newest = [each for each in reversed(self.comments) if before is None or each["id"] < before]
        page: dict[str, Any] = {"items": newest[:limit]}
        if self.plant is Plant.GARBLES_A_READ:
            page["items"] = [{"id": each["id"]} for each in page["items"]]
        if len(newest) > limit:
            page["next"] = newest[limit - 1]["id"]
        return web.json_response(page)

    # -- the websocket

    async def _ws(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=[codec.value for codec in Codec], compress=False)
        await socket.prepare(request)
        seat = Seat(socket, Codec(socket.ws_protocol), self.joins)
        self._seats.add(seat)
        try:
            async for message in socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    data = message.data.encode() if message.type is WSMsgType.TEXT else message.data
                    for command in decode_commands(data, seat.codec):
                        await self._command(seat, command)
        finally:
            self._seats.discard(seat)
        return socket

    async def _command(self, seat: Seat, command: object) -> None:
        match command:
            case Join():
                await self._join(seat, command)
            case Say():
                await self._say(seat, command)
            case Comment():
                await self._comment(seat, command)
            case Like():
                if self.plant is Plant.INVENTS_CODES and self._one_in("like", 10):
                    await self._reply(seat, Error(ref=command.ref, code=ErrorCode.LAST_KEY, text="no"))
                else:
                    await self._reply(seat, Ok(ref=command.ref))
            case _:
                await self._reply(seat, self.sale.command(seat.who, command) or Ok(ref=command.ref))  # type: ignore[attr-defined]
                await self._tell_news()

    async def _tell_news(self) -> None:
        """What the sale wants told."""
        sale = self.sale
        news, live, notices = sale.news, sale.live, sale.notices
        sale.news, sale.live, sale.notices = [], [], []
        for event in news:
            self.log.append(Log(seq=len(self.log) + 1, at=_now(), event=event))  # type: ignore[arg-type]
            for each in self._viewers():
                await self._push(each, self.log[-1])
        for event in live:
            for each in self._viewers():
                await self._push(each, Live(events=[event]))  # type: ignore[list-item]
        for who, event in notices:
            await self._notify(who, event)

    async def _notify(self, who: str, event: Event) -> None:
        for each in self._viewers():
            if each.who == who:
                notice = Notice(notice=self._count("notices"), at=_now(), event=event)  # type: ignore[arg-type]
                await self._push(each, notice)

    async def _join(self, seat: Seat, join: Join) -> None:
        claims = jwt.decode(join.token, KEY, ["HS256"], audience="livestream") if join.token else {}
        if self.plant is Plant.REFUSES_FIRST_JOINS and self._count(claims.get("sub", "resumes")) == 1:
            busy = Error(ref=join.ref, code=ErrorCode.BUSY, text="later", retry_after_ms=800)
            await self._send(seat, [busy])
            return
        if self.plant is Plant.FORGETS_RESUMES and join.resume is not None:
            await self._send(seat, [Error(ref=join.ref, code=ErrorCode.TOKEN_EXPIRED, text="too old")])
            return
        seat.number, seat.role = self.joins, claims.get("role", "viewer")
        seat.who = claims.get("sub", "") if join.resume is None else join.resume.token
        self.joins += 1
        me = Me(id=f"p{seat.number}", role=Role(seat.role), name="x")
        resumed = join.resume is not None
        joined = Joined(
            ref=join.ref, room=join.room, epoch="e", now=_now(), me=me, resume=seat.who or "-", resumed=resumed
        )
        rest: list[AnyPush]
        if join.resume is None:
            rest = [Snapshot(epoch="e", seq=len(self.log), room=join.room, title="t")]
        elif self.plant is Plant.SWALLOWS_RESUMES:
            rest = []
        else:
            rest = list(self.log[join.resume.seq :])
        seat.joined = True
        await self._send(seat, [joined, *rest])

    async def _say(self, seat: Seat, say: Say) -> None:
        seq, identity = len(self.log) + 1, self._id()
        if self.plant is Plant.STALLS and seq == 6:
            time.sleep(2)  # noqa: ASYNC251 - all of it stands still, as in a long collection
        event = Log(
            seq=seq, at=_now(), event=Said(message=HostMessage(id=identity, name="Host", text=say.text, at=_now()))
        )
        if self.plant is Plant.LOSES_WHAT_THE_HOST_SAID and seq == 5:
            await self._reply(seat, Posted(ref=say.ref, id=self._id(), seq=seq))
            return
        self.log.append(event)
        await self._reply(seat, Posted(ref=say.ref, id=identity, seq=seq))
        for place, each in enumerate(self._viewers()):
            await self._push_log(each, event, first=place == 0)
        if seq == 5:
            await self._end_lines()
        if self.plant is Plant.BREAKS_LINES and seq == 5:
            victim = self._viewers()[0]
            assert victim.socket._req is not None
            assert victim.socket._req.transport is not None
            victim.socket._req.transport.abort()

    async def _end_lines(self) -> None:
        """With a reason that the protocol knows."""
        match self.plant:
            case Plant.SENDS_AWAY:
                victims, code = self._viewers()[:1], CloseCode.BANNED
            case Plant.ENDS_A_LINE:
                victims, code = self._viewers()[:1], CloseCode.REBALANCE
            case Plant.ENDS_THE_WITNESSES | Plant.HANDS_THE_WITNESSES_OVER:
                first = [each for each in self._viewers() if each.number < _FIRST]
                victims, code = [each for each in first if each.role == "viewer"], CloseCode.REBALANCE
            case Plant.HANGS_UP_ON_THE_HOST:
                victims, code = [each for each in self._viewers() if each.role == "host"], CloseCode.DRAIN
            case _:
                return
        for each in victims:
            each.joined = False
            await self._send(each, [ComeBack(after_ms=50 if self.plant is Plant.HANDS_THE_WITNESSES_OVER else 700)])
            await each.socket.close(code=code)

    async def _push_log(self, seat: Seat, event: Log, *, first: bool) -> None:
        """`first`: the viewer who is treated worse."""
        if first and self.plant is Plant.DROPS_A_SEQ and event.seq == 5:
            return
        if first and self.plant is Plant.REORDERS and event.seq == 5:
            seat.held.append(event)
            return
        if first and self.plant is Plant.KEEPS_THE_END and event.seq >= 5:
            return
        if first and self.plant is Plant.TELLS_TWO_STORIES and event.seq == 5:
            assert isinstance(event.event, Said)
            message = event.event.message
            other = HostMessage(id=message.id, name="Host", text="all is free", at=message.at)
            event = Log(seq=event.seq, at=event.at, event=Said(message=other))
        times = 2 if first and self.plant is Plant.REPEATS and event.seq == 5 else 1
        for _ in range(times):
            await self._push(seat, event)
        if seat.held:
            await self._push(seat, seat.held.pop())

    async def _comment(self, seat: Seat, comment: Comment) -> None:
        known = self._known.get(comment.key or "")
        if known is not None:  # sent again, since the answer never came
            await self._reply(seat, msgspec.structs.replace(known, ref=comment.ref))
            return
        identity = self._id()
        shown = self._count("comments") % _DISPLAY != 0
        fate = "shown" if shown else "sampled_out"
        lies = self.plant is Plant.LIES_ABOUT_FATES and shown and self._one_in("lies", 5)
        if not (self.plant is Plant.LOSES_COMMENTS and self._one_in("lost", 10)):
            self.comments.append({"id": identity, "fate": "sampled_out" if lies else fate, "at": _now()})
        entered = self.sale.password(seat.who, comment.text)
        answer = self._known[comment.key or identity] = Posted(
            ref=comment.ref, id=identity, shown=shown, entered=entered
        )
        if not (self.plant is Plant.IS_SILENT and self._one_in("silent", 10)):
            await self._reply(seat, answer)
            if self.plant is Plant.ANSWERS_TWICE and self._one_in("twice", 10):
                await self._reply(seat, answer)
        if self.plant is Plant.SHOWS_NOTHING and shown:
            return
        event = Commented(id=identity, by="p", name="x", text=comment.text)
        hidden = 0 if self.plant is Plant.HIDES_LEFT_OUT else 1
        live = Live(events=[event]) if shown else Live(left_out=hidden)
        for each in self._viewers():
            await self._push(each, live)

    # -- outward

    def _viewers(self) -> list[Seat]:
        """In the order in which they came, witnesses and host last: they come first."""
        seats = [each for each in self._seats if each.joined]
        return sorted(seats, key=lambda each: (each.number < _FIRST, each.number))

    async def _push(self, seat: Seat, push: AnyPush) -> None:
        slow = self.plant is Plant.IS_SLOW_ONE_IN_A_HUNDRED and self._one_in("slow", 100)
        if slow:
            # Those behind it on the same line wait too, or it would be a gap.
            task = asyncio.create_task(self._send_late(seat, push))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            await asyncio.sleep(0)
        else:
            await self._send(seat, [push])

    async def _send_late(self, seat: Seat, push: AnyPush) -> None:
        async with seat.lock:
            await asyncio.sleep(0.5)
            await self._write(seat, [push])

    async def _reply(self, seat: Seat, reply: AnyReply) -> None:
        if self.plant is Plant.IS_SLOW_TO_ANSWER and self._one_in("reply", 20):
            asyncio.get_running_loop().call_later(0.5, lambda: self._soon(seat, reply))
        else:
            await self._send(seat, [reply])

    def _soon(self, seat: Seat, reply: AnyReply) -> None:
        task = asyncio.create_task(self._send(seat, [reply]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, seat: Seat, messages: list[Any]) -> None:
        if seat.lock.locked():
            self._queue(seat, messages)
            return
        await self._write(seat, messages)

    def _queue(self, seat: Seat, messages: list[Any]) -> None:
        async def later() -> None:
            async with seat.lock:
                await self._write(seat, messages)

        task = asyncio.create_task(later())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, seat: Seat, messages: list[Any]) -> None:
        payload = encode_all(messages, seat.codec)
        with contextlib.suppress(ConnectionError):
            if seat.codec is Codec.JSON:
                await seat.socket.send_str(payload.decode())
            else:
                await seat.socket.send_bytes(payload)

    def _id(self) -> str:
        return f"{next(self._ids):013d}"

    def _count(self, name: str) -> int:
        self._counts[name] = self._counts.get(name, 0) + 1
        return self._counts[name]

    def _one_in(self, name: str, many: int) -> bool:
        return self._count(name) % many == many // 2


def _handler(answer: Callable[[web.Request], web.Response]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        return answer(request)

    return handle


def _listed(items: list[dict[str, Any]]) -> web.Response:
    return web.json_response({"items": items})


def _file(body: bytes, kind: str = "application/json") -> web.Response:
    return web.Response(body=body, content_type=kind, headers={"Content-Disposition": "attachment"})


def _who(request: web.Request) -> str:
    bearer = request.headers["Authorization"].removeprefix("Bearer ")
    who: str = jwt.decode(bearer, KEY, ["HS256"], audience="livestream")["sub"]
    return who


def _now() -> int:
    return time.time_ns() // 1_000_000


@contextlib.asynccontextmanager
async def feigned(plant: Plant) -> AsyncIterator[Feigned]:
    """It listens; ended at the end."""
    server = Feigned(plant)
    runner = web.AppRunner(server.app(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
