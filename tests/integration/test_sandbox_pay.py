"""The sandbox as a process: killed, cut off, in doubt, its webhooks gone wrong. Its ledger counts each cent once."""

from __future__ import annotations

import asyncio
import contextlib
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from groupbuy.payments.port import Busy, Checkout, Declined, Doubtful, Forged, PaymentState, Standing, Way
from groupbuy.payments.sandbox import Sandbox
from groupbuy.payments.sandbox_keys import keys
from tests.support.sandbox import SECRET, Listener, SandboxProcess

S = PaymentState


class Desk:
    """One sandbox, one listener, an adapter for each account."""

    def __init__(self, process: SandboxProcess, listener: Listener) -> None:
        self.process = process
        self.listener = listener
        self.of = {
            way: Sandbox(process.url, keys(process.secret, way), listener.url, timeout_s=timeout_s)
            for way, timeout_s in ((Way.AUTHORISE, 2.0), (Way.CAPTURE, 2.0))
        }

    async def opened(self, way: Way, key: str, **changes: Any) -> Checkout:
        wanted = {
            "amount": 1000,
            "currency": "EUR",
            "exponent": 2,
            "description": "Tea",
            "expires_in_s": 600,
            **changes,
        }
        return await self.of[way].open(key=key, return_url="http://127.0.0.1/", **wanted)

    async def paid(self, way: Way, key: str) -> Checkout:
        checkout = await self.opened(way, key)
        await self.process.call(way, "POST", f"/v1/payments/{checkout.reference}/pay", {})
        return checkout

    async def moved(self, way: Way) -> tuple[int, ...]:
        """Opened, authorised, held, captured, refunded: from the sandbox's ledger, which must close."""
        sums = await self.process.ledger(way)
        assert sums.get("closes", True), sums
        return tuple(sums.get(name, 0) for name in ("opened", "authorised", "held", "captured", "refunded"))

    async def until_moved(self, way: Way, moved: tuple[int, ...]) -> None:
        async with asyncio.timeout(10):
            while await self.moved(way) != moved:
                await asyncio.sleep(0.02)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    process, listener = SandboxProcess(tmp_path), Listener()
    await process.start()
    desk = Desk(process, listener)
    try:
        async with listener.listening():
            yield desk
    finally:
        for each in desk.of.values():
            await each.close()
        process.kill()


async def settled(ask: Callable[[], Awaitable[Standing]]) -> Standing:
    """The answer, as a shop gets it: the same key again until there is one."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await ask()
            except (Busy, Doubtful):
                await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("way", "operation", "moved"),
    [
        (Way.AUTHORISE, "capture", (1000, 1000, 0, 700, 0)),
        (Way.AUTHORISE, "void", (1000, 1000, 0, 0, 0)),
        (Way.CAPTURE, "refund", (1000, 0, 0, 1000, 700)),
    ],
)
async def test_a_kill_between_the_effect_and_the_answer_moves_money_once(
    desk: Desk, way: Way, operation: str, moved: tuple[int, ...]
) -> None:
    checkout, provider = await desk.paid(way, "k"), desk.of[way]
    arguments = {"key": "op", "reference": checkout.reference} | ({} if operation == "void" else {"amount": 700})

    def ask() -> Awaitable[Standing]:
        answer: Awaitable[Standing] = getattr(provider, operation)(**arguments)
        return answer

    await desk.process.order(way, what="silent", on=operation, ms=60_000)
    asking = asyncio.ensure_future(ask())
    await desk.until_moved(way, moved)
    desk.process.kill()
    with pytest.raises(Doubtful):
        await asking
    with pytest.raises(Busy):
        await ask()
    await desk.process.start()
    stands = await provider.look(key="k")
    assert [await ask() for _ in range(3)] == [stands] * 3
    assert await desk.moved(way) == moved


async def test_a_kill_after_opening_leaves_one_payment(desk: Desk) -> None:
    await desk.process.order(Way.CAPTURE, what="silent", on="open", ms=60_000)
    asking = asyncio.ensure_future(desk.opened(Way.CAPTURE, "k"))
    await desk.until_moved(Way.CAPTURE, (1000, 0, 0, 0, 0))
    desk.process.kill()
    with pytest.raises(Doubtful):
        await asking
    await desk.process.start()
    assert await desk.opened(Way.CAPTURE, "k") == await desk.opened(Way.CAPTURE, "k")
    assert await desk.moved(Way.CAPTURE) == (1000, 0, 0, 0, 0)


async def test_kills_under_load_lose_and_double_nothing(desk: Desk) -> None:
    provider, count = desk.of[Way.AUTHORISE], 30
    checkouts = [await desk.paid(Way.AUTHORISE, f"k{number}") for number in range(count)]
    answered: list[Standing] = []

    async def life(number: int) -> None:
        reference = checkouts[number].reference
        await asyncio.sleep(random.random())
        answered.append(await settled(lambda: provider.capture(key=f"c{number}", reference=reference, amount=900)))
        await asyncio.sleep(random.random())
        answered.append(await settled(lambda: provider.refund(key=f"r{number}", reference=reference, amount=400)))

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(life(number))
        for _ in range(3):
            await asyncio.sleep(0.3)
            desk.process.kill()
            await desk.process.start()
    assert sorted(each.refunded for each in answered) == [0] * count + [400] * count
    assert await desk.moved(Way.AUTHORISE) == (count * 1000, count * 1000, 0, count * 900, count * 400)


async def test_fifty_of_one_key_at_once_are_one(desk: Desk) -> None:
    opened = await asyncio.gather(*(desk.opened(Way.CAPTURE, "k") for _ in range(50)))
    assert len({each.reference for each in opened}) == 1
    await asyncio.gather(*(desk.paid(Way.CAPTURE, "k") for _ in range(50)))
    reference = opened[0].reference
    refunds = [desk.of[Way.CAPTURE].refund(key="r", reference=reference, amount=100) for _ in range(50)]
    assert len({each.version for each in await asyncio.gather(*refunds)}) == 1
    assert await desk.moved(Way.CAPTURE) == (1000, 0, 0, 1000, 100)


async def test_two_keys_that_race_for_the_same_money_do_not_both_get_it(desk: Desk) -> None:
    reference = (await desk.paid(Way.CAPTURE, "k")).reference
    refunds = [desk.of[Way.CAPTURE].refund(key=f"r{each}", reference=reference, amount=600) for each in range(20)]
    done = await asyncio.gather(*refunds, return_exceptions=True)
    assert sum(isinstance(each, Standing) for each in done) == 1
    assert sum(isinstance(each, Declined) for each in done) == 19
    assert await desk.moved(Way.CAPTURE) == (1000, 0, 0, 1000, 600)


async def test_what_was_slow_to_begin_with_may_happen_after_a_look_saw_nothing(desk: Desk) -> None:
    await desk.process.order(Way.CAPTURE, what="slow", on="open", ms=3000, times=1)
    with pytest.raises(Doubtful):
        await desk.opened(Way.CAPTURE, "k")
    assert (await desk.of[Way.CAPTURE].look(key="k")).state is S.UNKNOWN_KEY
    again = await desk.opened(Way.CAPTURE, "k")
    await asyncio.sleep(1.5)  # by now the first has come through as well
    assert (await desk.of[Way.CAPTURE].look(key="k")).reference == again.reference
    assert await desk.moved(Way.CAPTURE) == (1000, 0, 0, 0, 0)


async def test_a_cut_connection_is_in_doubt_and_nobody_there_is_not(desk: Desk) -> None:
    await desk.process.order(Way.CAPTURE, what="reset", on="open", times=1)
    with pytest.raises(Doubtful):
        await desk.opened(Way.CAPTURE, "k")
    assert await desk.moved(Way.CAPTURE) == (0, 0, 0, 0, 0)
    await desk.process.order(Way.CAPTURE, what="away", ms=1500)
    await asyncio.sleep(0.3)
    with pytest.raises(Busy):
        await desk.opened(Way.CAPTURE, "k")
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(Busy):
                await desk.opened(Way.CAPTURE, "k")
                break
            await asyncio.sleep(0.1)
    assert await desk.moved(Way.CAPTURE) == (1000, 0, 0, 0, 0)


async def test_an_operation_refused_to_order_moves_nothing(desk: Desk) -> None:
    checkout = await desk.paid(Way.AUTHORISE, "k")
    await desk.process.order(Way.AUTHORISE, what="refused", on="capture", times=1)
    with pytest.raises(Declined) as declined:
        await desk.of[Way.AUTHORISE].capture(key="c", reference=checkout.reference, amount=1000)
    assert declined.value.code == "refused"
    assert await desk.moved(Way.AUTHORISE) == (1000, 1000, 1000, 0, 0)


async def test_a_fault_belongs_to_one_account_and_is_counted(desk: Desk) -> None:
    await desk.process.order(Way.CAPTURE, what="down", on="open", times=2)
    await desk.opened(Way.AUTHORISE, "k")
    for _ in range(2):
        with pytest.raises(Busy):
            await desk.opened(Way.CAPTURE, "k")
    await desk.opened(Way.CAPTURE, "k")
    await desk.process.order(Way.CAPTURE, what="down")
    assert (await desk.process.call(Way.CAPTURE, "DELETE", "/v1/faults"))["items"] == []
    await desk.opened(Way.CAPTURE, "k2")


async def test_accounts_do_not_see_each_other_and_strangers_nothing(desk: Desk) -> None:
    checkout = await desk.paid(Way.CAPTURE, "k")
    assert (await desk.of[Way.AUTHORISE].look(key="k")).state is S.UNKNOWN_KEY
    with pytest.raises(Declined) as declined:
        await desk.of[Way.AUTHORISE].refund(key="r", reference=checkout.reference, amount=1)
    assert declined.value.code == "not_found"
    stranger = Sandbox(desk.process.url, keys(b"x" * 32, Way.CAPTURE), desk.listener.url)
    try:
        with pytest.raises(Busy):
            await stranger.refund(key="r", reference=checkout.reference, amount=1)
    finally:
        await stranger.close()
    async with aiohttp.ClientSession() as session:
        for path in ("/v1/ledger", "/v1/payments", "/v1/faults", "/v1/keys/k"):
            async with session.get(desk.process.url + path) as response:
                assert response.status == 401
    assert await desk.moved(Way.CAPTURE) == (1000, 0, 0, 1000, 0)


async def test_a_webhook_comes_as_often_as_ordered_under_one_id(desk: Desk) -> None:
    await desk.process.order(Way.CAPTURE, what="repeated", copies=7, times=1)
    await desk.paid(Way.CAPTURE, "k")
    await desk.listener.until(7)
    assert len({headers["webhook-id"] for headers, _ in desk.listener.taken}) == 1
    told = {desk.of[Way.CAPTURE].read(*each, time.time()).event_id for each in desk.listener.taken}
    assert told == {desk.listener.taken[0][0]["webhook-id"]}


async def test_an_earlier_change_may_be_told_after_a_later_one(desk: Desk) -> None:
    await desk.process.order(Way.AUTHORISE, what="reordered", on="pay", ms=1000, times=1)
    checkout = await desk.paid(Way.AUTHORISE, "k")
    await desk.of[Way.AUTHORISE].capture(key="c", reference=checkout.reference, amount=1000)
    await desk.listener.until(2)
    told = [desk.of[Way.AUTHORISE].read(*each, time.time()).standing for each in desk.listener.taken]
    assert [each.state for each in told] == [S.CAPTURED, S.AUTHORISED]
    assert told[0].version > told[1].version


async def test_a_wrong_amount_is_signed_and_a_look_tells_the_truth(desk: Desk) -> None:
    await desk.process.order(Way.CAPTURE, what="wrong_amount", times=1)
    await desk.paid(Way.CAPTURE, "k")
    await desk.listener.until(1)
    told = desk.of[Way.CAPTURE].read(*desk.listener.taken[0], time.time()).standing
    stands = await desk.of[Way.CAPTURE].look(key="k")
    assert (told.amount, told.captured, told.held) == (1001, 1001, 0)
    assert (stands.amount, stands.captured, stands.held) == (1000, 1000, 0)


async def test_forged_lost_and_other_accounts_webhooks_are_not_believed(desk: Desk) -> None:
    await desk.process.order(Way.CAPTURE, what="lost", on="pay", times=1)
    await desk.paid(Way.CAPTURE, "lost")
    await desk.process.order(Way.CAPTURE, what="forged", on="pay", times=1)
    await desk.paid(Way.CAPTURE, "forged")
    await desk.listener.until(1)
    assert b'"lost"' not in desk.listener.taken[0][1]
    with pytest.raises(Forged):
        desk.of[Way.CAPTURE].read(*desk.listener.taken[0], time.time())
    await desk.paid(Way.AUTHORISE, "other")
    await desk.listener.until(2)
    desk.of[Way.AUTHORISE].read(*desk.listener.taken[1], time.time())
    with pytest.raises(Forged):
        desk.of[Way.CAPTURE].read(*desk.listener.taken[1], time.time())
    for key in ("lost", "forged"):
        assert (await desk.of[Way.CAPTURE].look(key=key)).captured == 1000


async def test_a_webhook_is_told_until_it_is_taken_even_across_a_kill(desk: Desk) -> None:
    desk.listener.status = 500
    await desk.paid(Way.CAPTURE, "k")
    await desk.listener.until(2)
    desk.process.kill()
    desk.listener.status = 204
    before = len(desk.listener.taken)
    await desk.process.start()
    await desk.listener.until(before + 1)
    assert len({headers["webhook-id"] for headers, _ in desk.listener.taken}) == 1
    async with asyncio.timeout(10):
        while (await desk.process.call(Way.CAPTURE, "GET", "/v1/ledger"))["webhooks_waiting"]:
            await asyncio.sleep(0.05)


async def test_a_shop_that_is_gone_does_not_take_the_sandbox_with_it(desk: Desk) -> None:
    wanted = {"key": "k", "amount": 5, "currency": "EUR", "return_url": "http://127.0.0.1/"}
    gone = {**wanted, "notify_url": "http://127.0.0.1:9/none"}
    opened = await desk.process.call(Way.CAPTURE, "POST", "/v1/payments", gone)
    await desk.process.call(Way.CAPTURE, "POST", f"/v1/payments/{opened['reference']}/pay", {})
    await asyncio.sleep(0.5)
    await desk.paid(Way.CAPTURE, "k2")
    await desk.listener.until(1)
    assert (await desk.process.call(Way.CAPTURE, "GET", "/v1/ledger"))["webhooks_waiting"] >= 1


async def test_the_page_shows_what_it_is_given_as_text_and_presses_once(desk: Desk) -> None:
    checkout = await desk.opened(Way.CAPTURE, "k", description='<script>alert(1)</script>" onload="x')
    async with aiohttp.ClientSession() as session:
        async with session.get(checkout.url) as response:
            text = await response.text()
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert "no real money" in text
        assert "<script" not in text
        assert '" onload' not in text
        async with session.post(checkout.url, data={"do": "pay", "card": "gold"}) as response:
            assert response.status == 400
        async with session.get(f"{desk.process.url}/checkout/none") as response:
            assert response.status == 404
    assert "Cancelled" not in await desk.process.press(checkout, do="cancel")
    assert "Not paid" in await desk.process.press(checkout, 409, do="pay", card="good"), "too late, and it says so"
    assert await desk.moved(Way.CAPTURE) == (1000, 0, 0, 0, 0)
    other = await desk.opened(Way.CAPTURE, "k2")
    assert "Paid" in await desk.process.press(other, do="pay", card="lost")
    assert (await desk.of[Way.CAPTURE].look(key="k2")).state is S.CAPTURED
    assert desk.listener.taken == [] or b'"k2"' not in desk.listener.taken[-1][1]


async def test_malformed_requests_are_refused_and_change_nothing(desk: Desk) -> None:
    checkout = await desk.paid(Way.CAPTURE, "k")
    path = f"/v1/payments/{checkout.reference}/refund"
    for wrong in ({"key": "r"}, {"key": "r", "amount": 0}, {"key": "r", "amount": -5}, {"key": "r", "amount": 1.5}):
        assert (await desk.process.call(Way.CAPTURE, "POST", path, wrong))["error"]["code"] == "invalid"
    for wrong in ({"key": ""}, {"key": "x" * 65, "amount": 1}, [], "refund", None, {"key": "r", "amount": 2**60}):
        assert (await desk.process.call(Way.CAPTURE, "POST", path, wrong))["error"]["code"] == "invalid"
    with pytest.raises(Declined):
        await desk.opened(Way.CAPTURE, "negative", amount=-1)
    assert await desk.moved(Way.CAPTURE) == (1000, 0, 0, 1000, 0)


def _livestream(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {"LIVESTREAM_SECRET": SECRET, "LIVESTREAM_DATA_DIR": str(data), "PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, "-m", "livestream", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)


async def test_faults_are_ordered_on_the_command_line(desk: Desk, tmp_path: Path) -> None:
    def fault(*arguments: str) -> subprocess.CompletedProcess[str]:
        return _livestream(tmp_path, "sandbox-fault", "--url", desk.process.url, "--way", "capture", *arguments)

    done = await asyncio.to_thread(fault, "down", "--on", "open", "--times", "1")
    assert done.returncode == 0, done.stderr
    with pytest.raises(Busy):
        await desk.opened(Way.CAPTURE, "k")
    wrong = await asyncio.to_thread(fault, "explode")
    assert wrong.returncode != 0
    assert "400" in wrong.stderr


async def test_keys_are_printed_only_where_they_are_asked_for(desk: Desk, tmp_path: Path) -> None:
    for asked in ((), ("--show-keys",)):
        # On a folder that another holds it ends by itself, after it said what it says at the start.
        ended = await asyncio.to_thread(_livestream, tmp_path, "sandbox-pay", "--port", str(desk.listener.port), *asked)
        assert "no real money moves" in ended.stdout
        shown = [keys(SECRET.encode(), way).api in ended.stdout + ended.stderr for way in Way]
        assert shown == [bool(asked)] * 2


async def test_it_starts_neither_in_the_open_nor_twice_on_one_folder(desk: Desk, tmp_path: Path) -> None:
    run = asyncio.to_thread
    open_ = await run(_livestream, tmp_path / "other", "sandbox-pay", "--host", "0.0.0.0", "--port", "1")
    assert open_.returncode != 0
    assert "--anywhere" in open_.stderr
    twice = await run(_livestream, tmp_path, "sandbox-pay", "--port", str(desk.listener.port))
    assert twice.returncode != 0
    assert "another" in twice.stderr
