"""App: the sandbox over HTTP."""

from __future__ import annotations

import asyncio
import hmac
import signal
import sqlite3
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta

from groupbuy.payments.port import KEY_CHARS, Declined, PaymentState, Way
from groupbuy.payments.sandbox_keys import Keys, keys
from livestream.protocol.errors import LivestreamError

from . import page
from .bank import Bank, new_reference
from .cards import Card
from .door import Door
from .faults import IN_ANSWERS, Fault, Faults, What
from .notifier import Notifier
from .payment import Payment
from .store import Store

_Body = TypeVar("_Body", bound=msgspec.Struct)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_BODY_BYTES = 16 * 1024
_PAGE = 200
_Key = Annotated[str, Meta(min_length=1, max_length=KEY_CHARS)]
_Amount = Annotated[int, Meta(ge=1, le=2**53 - 1)]
_Link = Annotated[str, Meta(max_length=2048, pattern=r"^https?://[^\s\x00]+$")]
_encode = msgspec.json.Encoder().encode


class SandboxError(LivestreamError):
    """It cannot start; the text says what to do."""


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    key: _Key
    amount: _Amount
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
    exponent: Annotated[int, Meta(ge=0, le=4)] = 2
    description: Annotated[str, Meta(max_length=500)] = ""
    return_url: _Link
    notify_url: _Link
    expires_in_s: Annotated[int, Meta(ge=1, le=7 * 86_400)] = 1800


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    key: _Key


class AmountOperation(Operation, frozen=True, kw_only=True):
    amount: _Amount


class Paying(msgspec.Struct, frozen=True, kw_only=True):
    card: Card = Card.GOOD


class App:
    """One sandbox over one store."""

    def __init__(self, store: Store, secret: bytes, base_url: str) -> None:
        self.keys: dict[Way, Keys] = {way: keys(secret, way) for way in Way}
        self.faults = Faults()
        self._store = store
        self.bank = Bank(store, self.faults, base_url, lambda: self.notifier.wake())
        self.notifier = Notifier(store, self.keys, self.bank.lapse)
        self.door: Door | None = None  #: what the fault `away` shuts

    def application(self) -> web.Application:
        application = web.Application(client_max_size=_BODY_BYTES, middlewares=[_errors])
        application.add_routes(
            [
                web.get("/", _home),
                web.get("/healthz", _healthy),
                web.get("/checkout/{reference}", self._checkout),
                web.post("/checkout/{reference}", self._pressed),
                web.post("/v1/payments", self._open),
                web.get("/v1/payments", self._payments),
                web.get("/v1/keys/{key}", self._look),
                web.post("/v1/payments/{reference}/pay", self._pay),
                web.post("/v1/payments/{reference}/capture", self._capture),
                web.post("/v1/payments/{reference}/void", self._void),
                web.post("/v1/payments/{reference}/refund", self._refund),
                web.get("/v1/ledger", self._ledger),
                web.get("/v1/faults", self._list_faults),
                web.post("/v1/faults", self._add_fault),
                web.delete("/v1/faults", self._clear_faults),
            ]
        )
        return application

    # -- for accounts

    async def _open(self, request: web.Request) -> web.StreamResponse:
        way = self._account(request)
        body = await _read(request, Opening)
        wanted = Payment(
            way=way,
            reference=new_reference(),
            opened_at_ms=time.time_ns() // 1_000_000,
            **msgspec.structs.asdict(body),
        )
        return await self._answer(request, "open", lambda: self.bank.open(wanted))

    async def _look(self, request: web.Request) -> web.StreamResponse:
        way, key = self._account(request), request.match_info["key"]
        return await self._answer(request, "look", lambda: self.bank.look(way, key))

    async def _pay(self, request: web.Request) -> web.StreamResponse:
        """The buyer's press without a page, for tests and load."""
        way, reference, body = self._account(request), request.match_info["reference"], await _read(request, Paying)
        return await self._answer(
            request, "pay", lambda: self.bank.buyer(self.bank.owned(way, reference), body.card).standing()
        )

    async def _capture(self, request: web.Request) -> web.StreamResponse:
        way, reference, body = self._account(request), request.match_info["reference"], await _read(
            request, AmountOperation
        )  # fmt: skip
        return await self._answer(request, "capture", lambda: self.bank.capture(way, reference, body.key, body.amount))

    async def _void(self, request: web.Request) -> web.StreamResponse:
        way, reference, body = self._account(request), request.match_info["reference"], await _read(request, Operation)
        return await self._answer(request, "void", lambda: self.bank.void(way, reference, body.key))

    async def _refund(self, request: web.Request) -> web.StreamResponse:
        way, reference, body = self._account(request), request.match_info["reference"], await _read(
            request, AmountOperation
        )  # fmt: skip
        return await self._answer(request, "refund", lambda: self.bank.refund(way, reference, body.key, body.amount))

    async def _answer(self, request: web.Request, name: str, work: Callable[[], msgspec.Struct]) -> web.StreamResponse:
        fault = self.faults.take(self._account(request), IN_ANSWERS, name)
        what = None if fault is None else fault.what
        if what is What.DOWN:
            return _refusal(503, "down", "down to order; nothing was done")
        if what is What.RESET:
            return _cut(request)
        if what is What.REFUSED:
            raise Declined("refused", "declined to order")
        if what is What.SLOW and fault is not None:
            await asyncio.sleep(fault.ms / 1000)
        answer = work()
        if what is What.SILENT and fault is not None:
            await asyncio.sleep(fault.ms / 1000)
            return _cut(request)
        return _json(answer)

    async def _payments(self, request: web.Request) -> web.StreamResponse:
        way = self._account(request)
        found = self._store.payments(way, request.query.get("after", ""), _PAGE)
        items = [each.standing() for each in found]
        return _json({"items": items, "next": items[-1].reference if len(items) == _PAGE else None})

    async def _ledger(self, request: web.Request) -> web.StreamResponse:
        way = self._account(request)
        return _json(
            {"way": way, "currencies": self._store.sums(way), "webhooks_waiting": self._store.waiting_events(way)}
        )

    async def _list_faults(self, request: web.Request) -> web.StreamResponse:
        return _json({"items": self.faults.of(self._account(request))})

    async def _add_fault(self, request: web.Request) -> web.StreamResponse:
        way, fault = self._account(request), await _read(request, Fault)
        if fault.what is not What.AWAY:
            self.faults.of(way).append(fault)
        elif self.door is not None:
            self.door.shut(fault.ms)
        return await self._list_faults(request)

    async def _clear_faults(self, request: web.Request) -> web.StreamResponse:
        self.faults.of(self._account(request)).clear()
        return await self._list_faults(request)

    def _account(self, request: web.Request) -> Way:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        for each in self.keys.values():
            if scheme == "Bearer" and hmac.compare_digest(each.api.encode(), given.encode("utf-8", "replace")):
                return each.way
        raise _Refused(401, "unauthorised", "no account has this key")

    # -- for buyers

    async def _checkout(self, request: web.Request) -> web.StreamResponse:
        payment = self.bank.page(request.match_info["reference"])
        return _html(page.missing(), 404) if payment is None else _html(page.checkout(payment))

    async def _pressed(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()  # first: that takes a moment, in which a payment may come to its end
        payment = self.bank.page(request.match_info["reference"])
        if payment is None:
            return _html(page.missing(), 404)
        pressed, card = form.get("do"), form.get("card", Card.GOOD)
        if pressed not in ("pay", "refuse", "cancel") or card not in list(Card):
            raise _Refused(400, "invalid", "`do` is pay, refuse or cancel, and `card` one of the page")
        chosen = Card.REFUSED if pressed == "refuse" else Card(str(card))
        if pressed == "pay" and payment.state in (PaymentState.REFUSED, PaymentState.EXPIRED, PaymentState.VOIDED):
            return _html(page.checkout(payment), 409)
        self.bank.buyer(payment, None if pressed == "cancel" else chosen)
        raise web.HTTPSeeOther(payment.reference)  # beside this one, under whatever path a proxy shows us


class _Refused(Exception):
    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(code)
        self.status, self.code, self.text = status, code, text


@web.middleware
async def _errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Declined as declined:
        return _refusal(404 if declined.code == "not_found" else 402, declined.code, declined.text)
    except _Refused as refused:
        return _refusal(refused.status, refused.code, refused.text)


async def _read(request: web.Request, kind: type[_Body]) -> _Body:
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _Refused(400, "invalid", str(error)) from error


async def _home(request: web.Request) -> web.StreamResponse:
    return _html(page.home())


async def _healthy(request: web.Request) -> web.StreamResponse:
    return web.Response(text="ok\n")


def _json(answer: Any) -> web.Response:
    return web.Response(body=_encode(answer), content_type="application/json")


def _refusal(status: int, code: str, text: str) -> web.Response:
    return web.Response(
        status=status, body=_encode({"error": {"code": code, "text": text}}), content_type="application/json"
    )


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(
        status=status,
        text=text,
        content_type="text/html",
        headers={
            "Content-Security-Policy": page.POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        },
    )


def _cut(request: web.Request) -> web.Response:
    """End the connection without a word."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def run(
    host: str, port: int, data: Path, secret: bytes, base_url: str, stop: asyncio.Event | None = None
) -> None:
    """Serve until told to stop.

    Args:
        data: folder of its file.
        base_url: under which buyers' browsers reach it.

    Raises:
        SandboxError: the port is taken, or another one runs on this folder.
    """
    stop = stop or _on_signals()
    try:
        store = Store(data / "sandbox-pay.sqlite")
    except (sqlite3.Error, OSError) as error:
        raise SandboxError(f"{data}: {error}; does another sandbox-pay run there?") from error
    app = App(store, secret, base_url.rstrip("/"))
    runner = web.AppRunner(app.application(), access_log=None, shutdown_timeout=1.0)
    app.door = door = Door(runner, host, port)
    try:
        await runner.setup()
        try:
            await door.open()
        except OSError as error:
            raise SandboxError(f"port {port} is taken: give another with --port") from error
        async with asyncio.TaskGroup() as group:
            going = [group.create_task(app.notifier.run()), group.create_task(door.run())]
            await stop.wait()
            for each in going:
                each.cancel()
    finally:
        await runner.cleanup()
        store.close()


def _on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    return stop
