"""Run: one scenario against one target, from the checks before it to the verdict.

checks ─> stage ─> workers ready ─> phases, faults, ticks ─> everyone knows the log ─> reads ─> verdict
         `stage`   `crew`           `conductor`  Ctrl-C skips to here ──┘             `verdict`
"""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import livestream.protocol

from .conductor import Conductor
from .crew import Line, crew
from .messages import Plan, Signing
from .result import Result
from .shop import Shop
from .source import Source
from .stage import bad_line, room_of, signing_key
from .target import require_allowed
from .verdict import judge, result_of
from .wish import Progress, RunError, Wish

__all__ = ["Progress", "RunError", "Wish", "play"]

_VIEWERS_PER_WORKER = 2500


async def play(wish: Wish, progress: Progress, stop: asyncio.Event | None = None) -> Result:
    """Play it. Broken off, it erases the rehearsal all the same.

    Args:
        stop: once set, the phases end, and what was seen until then is judged.

    Raises:
        TargetError, RunError, ShopError, CrewError
    """
    scenario, target = wish.scenario, wish.target
    require_allowed(target, scenario, wish.real_room)
    given = target.signing()
    async with (
        Shop(target.url, target.shop, given, target.token) as shop,
        signing_key(given, shop, progress.say) as signing,
        room_of(wish, shop, progress.say) as place,
        bad_line(wish) as spoiled,
    ):
        plans = _plans(wish, signing, place.room, spoiled)
        progress.say(f"{scenario.viewers} viewers in {len(plans)} processes, room {place.room}, {scenario.seconds:g} s")
        source = Source(shop, place, signing, plans[0].run)
        async with crew(plans) as members:
            conductor = Conductor(wish, progress, source, members, spoiled, stop or asyncio.Event())
            seen = await conductor.run()
            findings = await judge(wish, seen, source)
    return result_of(wish, seen, findings)


def _plans(wish: Wish, signing: Signing, room: str, spoiled: Line | None) -> list[Plan]:
    """What each worker has to do."""
    workers = wish.workers or max(2, -(-wish.scenario.viewers // _VIEWERS_PER_WORKER))
    address, run, sentences = wish.target.address(), secrets.token_hex(4), corpus()
    return [
        Plan(
            worker=number,
            workers=workers,
            scenario=wish.scenario,
            room=room,
            address=address,
            line=None if spoiled is None else spoiled.address(address),
            signing=signing,
            sentences=sentences,
            run=run,
            operator=wish.scenario.needs_operator,
            pay_hosts=wish.target.allow_hosts,
        )
        for number in range(workers)
    ]


def corpus() -> list[str]:
    """What people write, in four languages: the sentences of the demo.

    Raises:
        RunError
    """
    folder = Path(livestream.protocol.__file__).parents[1] / "demo" / "corpus"
    found = [each for file in sorted(folder.glob("*.txt")) for each in file.read_text("utf-8").splitlines() if each]
    if not found:
        raise RunError(f"no sentences in {folder}")
    return found
