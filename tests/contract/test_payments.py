"""What every adapter to a payment provider must do: see docs/payments.md."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from groupbuy.payments.port import Busy, Checkout, Declined, Doubtful, Forged, PaymentState, Standing, Way

from .benches import BENCHES, Bench, Place

S = PaymentState
_numbers = itertools.count()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with contextlib.ExitStack() as ending:
        yield Place(tmp_path_factory.mktemp("payments"), ending)


@pytest.fixture(params=BENCHES)
async def bench(request: pytest.FixtureRequest, place: Place) -> AsyncIterator[Bench]:
    async with BENCHES[request.param](place) as bench:
        yield bench


def opening(**changes: Any) -> dict[str, Any]:
    return {
        "key": f"pay-{next(_numbers)}-{time.time_ns()}",
        "amount": 1999,
        "currency": "EUR",
        "exponent": 2,
        "description": "Tea & <b>cakes</b>",
        "return_url": "http://127.0.0.1:8080/#room",
        "expires_in_s": 600,
        **changes,
    }


async def paid(bench: Bench, **changes: Any) -> tuple[str, Checkout]:
    wanted = opening(**changes)
    checkout = await bench.provider.open(**wanted)
    await bench.pay(checkout)
    return wanted["key"], checkout


async def taken(bench: Bench, amount: int = 1999) -> tuple[str, Checkout, Standing]:
    """A payment whose money is taken, in the provider's way."""
    key, checkout = await paid(bench, amount=amount)
    if bench.provider.way is Way.AUTHORISE:
        await bench.provider.capture(key=f"{key}-c", reference=checkout.reference, amount=amount)
    return key, checkout, await bench.provider.look(key=key)


async def test_what_was_never_opened_is_not_known(bench: Bench) -> None:
    standing = await bench.provider.look(key="never")
    assert (standing.state, standing.held, standing.captured) == (S.UNKNOWN_KEY, 0, 0)


async def test_a_payment_is_opened_once_a_key(bench: Bench) -> None:
    wanted = opening()
    checkouts = await asyncio.gather(*(bench.provider.open(**wanted) for _ in range(50)))
    assert len({each.reference for each in checkouts}) == 1
    standing = await bench.provider.look(key=wanted["key"])
    assert (standing.state, standing.amount, standing.currency) == (S.OPENED, 1999, "EUR")
    with pytest.raises(Declined) as declined:
        await bench.provider.open(**{**wanted, "amount": 1})
    assert declined.value.code == "key_reused"
    assert (await bench.provider.look(key=wanted["key"])) == standing


async def test_a_key_of_any_characters_names_its_payment(bench: Bench) -> None:
    wanted = opening(key=f"a/b?c#d%2F \u00e9\u732b.. {time.time_ns()}")
    await bench.provider.open(**wanted)
    standing = await bench.provider.look(key=wanted["key"])
    assert (standing.key, standing.state) == (wanted["key"], S.OPENED)


async def test_a_key_that_opened_a_payment_does_nothing_else(bench: Bench) -> None:
    key, checkout, before = await taken(bench)
    with pytest.raises(Declined) as declined:
        await bench.provider.refund(key=key, reference=checkout.reference, amount=1)
    assert declined.value.code == "key_reused"
    assert await bench.provider.look(key=key) == before


async def test_a_reference_that_does_not_exist_is_declined(bench: Bench) -> None:
    for number, wrong in enumerate(("pay_none", "../ledger", "x" * 500)):
        key = f"n{number}-{time.time_ns()}"
        for asked in (
            bench.provider.capture(key=key, reference=wrong, amount=1),
            bench.provider.void(key=key, reference=wrong),
            bench.provider.refund(key=key, reference=wrong, amount=1),
        ):
            with pytest.raises(Declined) as declined:
                await asked
            assert declined.value.code == "not_found"


async def test_what_the_buyer_pays_is_held_or_taken(bench: Bench) -> None:
    key, _ = await paid(bench)
    standing = await bench.provider.look(key=key)
    if bench.provider.way is Way.AUTHORISE:
        assert (standing.state, standing.held, standing.captured) == (S.AUTHORISED, 1999, 0)
    else:
        assert (standing.state, standing.held, standing.captured) == (S.CAPTURED, 0, 1999)


async def test_a_buyer_who_pays_twice_pays_once(bench: Bench) -> None:
    key, checkout = await paid(bench)
    before = await bench.provider.look(key=key)
    await bench.pay(checkout)
    await bench.refuse(checkout)
    assert await bench.provider.look(key=key) == before


async def test_a_refused_payment_moves_nothing(bench: Bench) -> None:
    wanted = opening()
    checkout = await bench.provider.open(**wanted)
    await bench.refuse(checkout)
    standing = await bench.provider.look(key=wanted["key"])
    assert (standing.state, standing.held, standing.captured) == (S.REFUSED, 0, 0)
    await bench.pay(checkout)
    assert (await bench.provider.look(key=wanted["key"])).state is S.REFUSED


async def test_a_page_that_nobody_paid_expires(bench: Bench) -> None:
    wanted = opening(expires_in_s=1)
    checkout = await bench.provider.open(**wanted)
    await asyncio.sleep(1.1)
    await bench.pay(checkout)
    standing = await bench.provider.look(key=wanted["key"])
    assert (standing.state, standing.held, standing.captured) == (S.EXPIRED, 0, 0)


async def test_a_page_is_closed_by_void(bench: Bench) -> None:
    wanted = opening()
    checkout = await bench.provider.open(**wanted)
    voids = [bench.provider.void(key="v" + wanted["key"], reference=checkout.reference) for _ in range(2)]
    assert {each.state for each in await asyncio.gather(*voids)} == {S.VOIDED}
    await bench.pay(checkout)
    assert (await bench.provider.look(key=wanted["key"])).state is S.VOIDED


async def test_capture_takes_once_and_lets_the_rest_go(bench: Bench) -> None:
    if bench.provider.way is Way.CAPTURE:
        pytest.skip("takes at once")
    key, checkout = await paid(bench)
    with pytest.raises(Declined) as declined:
        await bench.provider.capture(key=f"{key}-more", reference=checkout.reference, amount=2000)
    assert declined.value.code == "amount"
    captures = [bench.provider.capture(key=f"{key}-c", reference=checkout.reference, amount=1500) for _ in range(50)]
    assert len(set(map(str, await asyncio.gather(*captures)))) == 1
    standing = await bench.provider.look(key=key)
    assert (standing.state, standing.held, standing.captured) == (S.CAPTURED, 0, 1500)
    with pytest.raises(Declined):
        await bench.provider.capture(key=f"{key}-again", reference=checkout.reference, amount=100)
    with pytest.raises(Declined) as declined:
        await bench.provider.capture(key=f"{key}-c", reference=checkout.reference, amount=1400)
    assert declined.value.code == "key_reused"
    with pytest.raises(Declined):
        await bench.provider.void(key=f"{key}-v", reference=checkout.reference)
    assert await bench.provider.look(key=key) == standing


async def test_void_lets_go_what_is_held(bench: Bench) -> None:
    if bench.provider.way is Way.CAPTURE:
        pytest.skip("holds nothing")
    key, checkout = await paid(bench)
    voided = await bench.provider.void(key=f"{key}-v", reference=checkout.reference)
    assert (voided.state, voided.held, voided.captured) == (S.VOIDED, 0, 0)
    assert await bench.provider.void(key=f"{key}-v", reference=checkout.reference) == voided
    with pytest.raises(Declined):
        await bench.provider.capture(key=f"{key}-c", reference=checkout.reference, amount=1)


async def test_nothing_is_taken_before_the_buyer_pays(bench: Bench) -> None:
    wanted = opening()
    checkout = await bench.provider.open(**wanted)
    with pytest.raises(Declined):
        await bench.provider.capture(key="c" + wanted["key"], reference=checkout.reference, amount=1)
    with pytest.raises(Declined):
        await bench.provider.refund(key="r" + wanted["key"], reference=checkout.reference, amount=1)


async def test_a_decline_uses_no_key_up(bench: Bench) -> None:
    wanted = opening()
    checkout = await bench.provider.open(**wanted)
    refund = {"key": "r" + wanted["key"], "reference": checkout.reference, "amount": 1}
    with pytest.raises(Declined):
        await bench.provider.refund(**refund)
    await bench.pay(checkout)
    if bench.provider.way is Way.AUTHORISE:
        await bench.provider.capture(key="c" + wanted["key"], reference=checkout.reference, amount=1999)
    for _ in range(2):
        assert (await bench.provider.refund(**refund)).refunded == 1


async def test_no_more_is_given_back_than_was_taken(bench: Bench) -> None:
    key, checkout, before = await taken(bench)
    assert (before.captured, before.refunded) == (1999, 0)
    refund = bench.provider.refund
    with pytest.raises(Declined) as declined:
        await refund(key=f"{key}-r0", reference=checkout.reference, amount=2000)
    assert declined.value.code == "amount"
    parts = [refund(key=f"{key}-r{part}", reference=checkout.reference, amount=500) for part in (1, 1, 2, 2, 3, 3)]
    await asyncio.gather(*parts)
    assert (await bench.provider.look(key=key)).refunded == 1500
    with pytest.raises(Declined) as declined:
        await refund(key=f"{key}-r4", reference=checkout.reference, amount=500)
    assert declined.value.code == "amount"
    done = await refund(key=f"{key}-r5", reference=checkout.reference, amount=499)
    assert (done.state, done.refunded) == (S.REFUNDED, 1999)
    with pytest.raises(Declined):
        await refund(key=f"{key}-r6", reference=checkout.reference, amount=1)
    assert (await refund(key=f"{key}-r5", reference=checkout.reference, amount=499)).refunded == 1999


async def test_a_lost_answer_is_in_doubt_and_the_same_key_settles_it(bench: Bench) -> None:
    wanted = opening()
    await bench.silence("open")
    with pytest.raises(Doubtful):
        await bench.provider.open(**wanted)
    assert (await bench.provider.look(key=wanted["key"])).state is S.OPENED
    checkout = await bench.provider.open(**wanted)
    await bench.pay(checkout)
    if bench.provider.way is Way.AUTHORISE:
        await bench.silence("capture")
        with pytest.raises(Doubtful):
            await bench.provider.capture(key="c" + wanted["key"], reference=checkout.reference, amount=1999)
        await bench.provider.capture(key="c" + wanted["key"], reference=checkout.reference, amount=1999)
    await bench.silence("refund")
    with pytest.raises(Doubtful):
        await bench.provider.refund(key="r" + wanted["key"], reference=checkout.reference, amount=1000)
    await bench.provider.refund(key="r" + wanted["key"], reference=checkout.reference, amount=1000)
    standing = await bench.provider.look(key=wanted["key"])
    assert (standing.captured, standing.refunded) == (1999, 1000)


async def test_a_provider_that_is_down_did_nothing(bench: Bench) -> None:
    wanted = opening()
    await bench.down("open")
    with pytest.raises(Busy):
        await bench.provider.open(**wanted)
    assert (await bench.provider.look(key=wanted["key"])).state is S.UNKNOWN_KEY


async def test_every_change_is_told_and_the_latest_version_is_how_it_stands(bench: Bench) -> None:
    key, checkout, _ = await taken(bench)
    await bench.provider.refund(key=f"{key}-r", reference=checkout.reference, amount=1999)
    changes = 3 if bench.provider.way is Way.AUTHORISE else 2
    told = [bench.provider.read(*each, time.time()) for each in await bench.notified(changes)]
    assert {each.standing.key for each in told} == {key}
    latest = max((each.standing for each in told), key=lambda each: each.version)
    assert latest == await bench.provider.look(key=key)


async def test_a_notification_that_is_forged_or_old_is_not_read(bench: Bench) -> None:
    await paid(bench)
    ((headers, body),) = await bench.notified(1)
    assert bench.provider.read(headers, body, time.time()).standing.amount == 1999
    for wrong_headers, wrong_body, at in (
        (headers, body.replace(b"1999", b"1998"), time.time()),
        ({**headers, "webhook-id": "evt_other"}, body, time.time()),
        ({}, body, time.time()),
        (headers, b"\xff", time.time()),
        (headers, body, time.time() + 3600),
    ):
        with pytest.raises(Forged):
            bench.provider.read(wrong_headers, wrong_body, at)
