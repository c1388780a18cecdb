"""A flood of 1,000 bot accounts over two processes: nearly nothing of it is shown, and people are heard."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random
from typing import TypeVar

import msgspec
import pytest

from livestream.config import Settings
from livestream.moderation.links import has_link
from livestream.protocol.commands import Comment
from livestream.protocol.errors import Refused
from livestream.protocol.replies import Posted
from livestream.protocol.roles import Role
from livestream.room.desk import Actor
from livestream.storage.pool import Database
from tests.support.nodes import Node, actor, node
from tests.support.spam import EVASIONS, OF_LINKS, SPAM

T = TypeVar("T")
BOTS, EACH = 1000, 4
TURN_S = 0.1
RATE = Settings().display_per_s
#: of one campaign, which no list knows: what bots vary is what they add
CAMPAIGN = ["buy now at MegaGlow", "best deal ever only tonight", "everyone loves this one", "wow so good wow"]
TOPICS = [
    "the blue cup",
    "size 40",
    "the lid",
    "shipping to Kraków",
    "the wide one",
    "gift wrapping",
    "the green glaze",
]
ASKS = ["is {} back?", "how long is {} there", "I would take {}", "does {} fit {}", "my sister wants {}", "{} please!"]


def spam(chance: Random) -> str:
    if chance.random() < 0.5:
        return f"{chance.choice(CAMPAIGN)} {chance.randrange(10**8)}{chance.choice('🔥💰!?')}"
    line = chance.choice(SPAM)
    return chance.choice(OF_LINKS if has_link(line) else EVASIONS)(line, chance)[:200]


def talk(number: int, chance: Random) -> str:
    """What one person says; people do not say the same in the same words."""
    said = chance.choice(ASKS).format(*chance.sample(TOPICS, 2))
    return f"{said}, {chance.choice(['thanks', 'asking for my mum', 'dziękuję', 'merci', '谢谢'])} (I am no. {number})"


def woven(many: list[T], few: list[T]) -> list[T]:
    """The few at even distances among the many: how many fall into one second must not be chance.

    They come after the first tenth: a campaign that no list knows is as good as people until it repeats itself, and
    at eight comments a second its first lines take all places of their second.
    """
    places = [(place / len(many), one) for place, one in enumerate(many)]
    places += [(0.1 + 0.9 * place / len(few), one) for place, one in enumerate(few)]
    return [one for _, one in sorted(places, key=lambda placed: placed[0])]


async def say(process: Node, who: Actor, text: str, counts: Counter[str]) -> None:
    try:
        reply = await process.run(who, Comment(ref=1, text=text))
    except Refused as refused:
        counts[refused.code] += 1
    else:
        assert isinstance(reply, Posted)
        counts["shown" if reply.shown else "held" if reply.held else "left out"] += 1


@pytest.mark.parametrize(
    ("display_per_s", "crowd", "said", "turns"),
    [(200, 120, 2, 40), (RATE, 40, 1, 100)],
    ids=["a room that shows all of 60 people a second", "the default, which 40 people in 10 s stay within"],
)
async def test_bots_are_not_shown_and_people_are_heard(
    database: Database, settings: Settings, seeded: str, display_per_s: float, crowd: int, said: int, turns: int
) -> None:
    settings = msgspec.structs.replace(settings, display_per_s=display_per_s)
    chance = Random(11)
    bots, people = Counter[str](), Counter[str]()
    flood = [(actor(f"bot{n}", Role.VIEWER), spam(chance), bots) for n in range(BOTS) for _ in range(EACH)]
    chance.shuffle(flood)
    heard = [
        (actor(f"ann{n}", Role.VIEWER), talk(k * crowd + n, chance), people) for k in range(said) for n in range(crowd)
    ]
    sayings = woven(flood, heard)
    async with node(database, settings, 1, beat=True) as one, node(database, settings, 2, beat=True) as two:
        share = len(sayings) // turns + 1
        for turn in range(turns):
            now = sayings[turn * share : (turn + 1) * share]
            await asyncio.gather(
                *(say(one if int(who.key[-1]) % 2 else two, who, text, counts) for who, text, counts in now),
                asyncio.sleep(TURN_S),
            )
    assert bots.total() == BOTS * EACH
    assert people.total() == crowd * said
    assert bots["shown"] <= bots.total() / 100, bots
    assert people["shown"] >= people.total() * 0.99, people
