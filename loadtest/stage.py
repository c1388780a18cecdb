"""Stage: what a run needs and takes away again, however it ends: a key, a rehearsal, a bad line."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

import msgspec

from .crew import Line, line
from .interrupt import to_the_end
from .messages import Signing
from .shop import Shop, ShopError
from .source import Place
from .target import TargetError
from .wish import Wish

_T = TypeVar("_T")
Say = Callable[[str], None]


@contextlib.asynccontextmanager
async def signing_key(given: Signing | None, shop: Shop, say: Say) -> AsyncIterator[Signing]:
    """The shop's key, or one for this run alone.

    Raises:
        ShopError
    """
    if given is not None:
        yield given
        return

    async def retire(made: Signing) -> None:
        try:
            await shop.retire_key(made.kid)
        except ShopError as error:
            say(f"the key {made.kid!r}, made for this run, could not be retired: {error}")

    async with borrowed(shop.add_key(), retire) as made:
        yield made


@contextlib.asynccontextmanager
async def room_of(wish: Wish, shop: Shop, say: Say) -> AsyncIterator[Place]:
    """A rehearsal with a show that warms up, erased at the end; or the real room that was named twice.

    Raises:
        ShopError, TargetError
    """
    target = wish.target
    if target.real_room:
        yield Place(target.shop, target.real_room)
        return
    if (await shop.room(target.room)).get("rehearsal"):
        raise TargetError(f"{target.room!r} is a rehearsal itself: name the room of which one is to be made")

    async def erase(place: Place) -> None:
        if wish.keep:
            say(f"the rehearsal {place.room!r} is kept")
            return
        try:
            await shop.erase(place.room)
        except ShopError as error:
            say(f"the rehearsal {place.room!r} could not be erased: {error}")

    async with borrowed(_rehearsal(shop, target.room), erase) as place:
        await _furnish(wish, shop, place)
        yield place


async def _rehearsal(shop: Shop, room: str) -> Place:
    return Place(*await shop.rehearse(room))


@contextlib.asynccontextmanager
async def borrowed(
    make: Coroutine[Any, Any, _T], take_away: Callable[[_T], Coroutine[Any, Any, None]]
) -> AsyncIterator[_T]:
    """What is there for the run alone; taken away also when the run is broken off while it is being made."""
    making = asyncio.create_task(make)

    async def end() -> None:
        await asyncio.wait([making])
        if making.exception() is None:
            await take_away(making.result())

    try:
        yield await asyncio.shield(making)
    finally:
        await to_the_end(end())


async def _furnish(wish: Wish, shop: Shop, place: Place) -> None:
    found = await shop.room(place.room)
    if not found.get("rehearsal"):
        raise TargetError(f"the server made {place.room!r}, but does not say that it is a rehearsal")
    if not found.get("show"):  # else the rehearsal has that of the room
        starts_at = time.time_ns() // 1_000_000
        await shop.command(place.room, "schedule", title=f"Load test: {wish.scenario.name}", starts_at=starts_at)
    await shop.command(place.room, "set_show", state="warm_up")
    if any(crowd.anonymous and "comment" in crowd.does for crowd in wish.scenario.crowd):
        await shop.command(place.room, "set_chat", anonymous=True)
    for product in wish.scenario.product:
        await shop.put_product(place.shop, msgspec.to_builtins(product))


@contextlib.asynccontextmanager
async def bad_line(wish: Wish) -> AsyncIterator[Line | None]:
    """The way of crowds with `through_line`, if there are any."""
    if not any(crowd.through_line for crowd in wish.scenario.crowd):
        yield None
        return
    async with line(wish.target.address()) as made:
        yield made
