"""Draws: every error that their commands declare, provoked in the part's service, and that it changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from livestream.config import Settings
from livestream.protocol import commands as c
from livestream.protocol.draws import BeaconKind, DrawNeeds, PrizeTier
from livestream.protocol.errors import ErrorCode as E
from livestream.protocol.limits import DRAW_QUEUE, DRAW_TEMPLATES
from livestream.protocol.roles import Role
from livestream.storage.pool import Database
from lottery import passing
from lottery.part import PART
from tests.support import live_draws as draws
from tests.support.live_draws import COHOST_SECRET, HOST, commitment, create, enter, opened, plan
from tests.support.nodes import Node, actor, node
from tests.support.refusals import Case, Names, covered, declared, try_all

GHOST = "ab" * 16
OPERATOR = actor("op", Role.OPERATOR)
GUEST = msgspec.structs.replace(actor("gus", Role.ANONYMOUS), viewer_id=None)
OTHER_SECRET = bytes(reversed(COHOST_SECRET))
FORM = c.ClaimForm(name="Ann", address="ul. Długa 1")
WEEKS_S = 8 * 24 * 3600


class Stage:
    """A gateway's service, and what stands behind it."""

    def __init__(self, desk: Node, database: Database) -> None:
        self.desk = desk
        self.database = database

    async def sql(self, statement: str, *arguments: object) -> None:
        async with self.database.transaction() as tx:
            await tx.execute(statement, *arguments)


# -- scenes: what was there before


async def announced(stage: Stage) -> Names:
    return {"draw": await create(stage.desk)}


async def open_with_ann(stage: Stage) -> Names:
    """Ann is in; mia is muted, and ben banned."""
    draw_id = await opened(stage.desk)
    await enter(stage.desk, draw_id, "ann", key="k")
    for who, kind in (("mia", "mute"), ("ben", "ban")):
        await stage.sql(
            "INSERT INTO sanction (room_id, pseudonym, kind, at, by_name) VALUES ('demo', $1, $2, now(), 'x')",
            f"p-{who}",
            kind,
        )
    return {"draw": draw_id, "next": await create(stage.desk)}


async def for_who_watched(stage: Stage) -> Names:
    return {"draw": await opened(stage.desk, needs=DrawNeeds(watched_s=60))}


async def drawn(stage: Stage, prizes: int = 1, entries: int = 2) -> Names:
    """One prize; the winner, and the reserve with a receipt of theirs."""
    tier = PrizeTier(tier="First", name="Bike", value=1, currency="PLN", quantity=prizes)
    draw_id = await opened(stage.desk, prizes=[tier])
    receipts = {}
    for number in range(entries):
        receipt = await enter(stage.desk, draw_id, f"v{number}")
        receipts[receipt.entry_id] = (f"v{number}", receipt)
    await draws.drawn(stage.desk, stage.database, draw_id)
    async with stage.database.read() as connection:
        picks = await connection.fetch(
            "SELECT encode(entry_id, 'hex') AS entry FROM draw_pick WHERE draw_id = $1 ORDER BY place", draw_id
        )
    people = [receipts[row["entry"]] for row in picks]
    found = {f"winner{place}": who for place, (who, _) in enumerate(people)}
    return {"draw": draw_id, "winner": people[0][0], "reserve": people[1][0], "theirs": people[1][1], **found}


async def excluding(stage: Stage) -> Names:
    """A draw that winners of the last one wait out."""
    before = await drawn(stage)
    return {**before, "draw": await opened(stage.desk, exclude_winners_of=1)}


async def claimed(stage: Stage) -> Names:
    names = await drawn(stage)
    await stage.desk.run(actor(names["winner"]), c.ClaimPrize(ref=1, draw=names["draw"], form=FORM))
    return names


async def handed_over(stage: Stage) -> Names:
    names = await claimed(stage)
    await stage.desk.run(OPERATOR, c.MarkClaimed(ref=1, draw=names["draw"], prize=0))
    return names


async def too_late(stage: Stage) -> Names:
    """The time to claim is over, and no worker has seen it."""
    names = await drawn(stage)
    await draws.hurry(stage.database, names["draw"], WEEKS_S)
    return names


async def gone_on(stage: Stage) -> Names:
    """The reserve has it now."""
    names = await drawn(stage)
    await stage.desk.run(actor(names["winner"]), c.DeclinePrize(ref=1, draw=names["draw"]))
    return names


async def settled_unclaimed(stage: Stage) -> Names:
    names = await drawn(stage)
    for _ in range(2):
        await draws.hurry(stage.database, names["draw"], WEEKS_S)
        assert await passing.pass_on(stage.database, draws.ROOM, names["draw"])
    return names


async def settled(stage: Stage) -> Names:
    names = await handed_over(stage)
    assert await passing.pass_on(stage.database, draws.ROOM, names["draw"])
    return names


async def frozen(stage: Stage) -> Names:
    names = await announced(stage)
    await stage.sql("UPDATE room SET frozen_at = clock_timestamp()")
    return names


async def show_scheduled(stage: Stage) -> Names:
    names = await announced(stage)
    await stage.sql("UPDATE show SET state = 'scheduled'")
    return names


async def full_queue(stage: Stage) -> Names:
    for _ in range(DRAW_QUEUE):
        await create(stage.desk)
    return {}


async def all_templates(stage: Stage) -> Names:
    for number in range(DRAW_TEMPLATES):
        await stage.desk.run(HOST, c.SaveTemplate(ref=1, name=f"plan {number}", plan=plan()))
    return {}


async def used_keys(stage: Stage) -> Names:
    """Every command was done once under the key "k"."""
    run = stage.desk.run
    reply = await run(HOST, c.CreateDraw(ref=1, plan=plan(), key="k"))
    await run(HOST, c.SaveTemplate(ref=1, name="usual", plan=plan(), key="k"))
    first = reply.draw  # type: ignore[union-attr]
    promised = [commitment(first), commitment(first, 3, OTHER_SECRET)]
    await run(HOST, c.OpenDraw(ref=1, draw=first, commitments=promised, names=["Ada", "Bo"], key="k"))
    await run(HOST, c.CloseDraw(ref=1, draw=first, key="k"))
    await draws.conduct(stage.database)
    await run(HOST, c.RevealDraw(ref=1, draw=first, party=2, secret=COHOST_SECRET.hex(), key="k"))
    await run(HOST, c.RevealDraw(ref=1, draw=first, party=3, secret=OTHER_SECRET.hex()))
    await draws.conduct(stage.database)
    names = await drawn(stage, prizes=4, entries=5)
    won = {"ref": 1, "draw": names["draw"], "key": "k"}
    await run(actor(names["winner0"]), c.ClaimPrize(form=FORM, **won))
    await run(actor(names["winner1"]), c.DeclinePrize(**won))
    await run(OPERATOR, c.MarkClaimed(prize=2, **won))
    await run(OPERATOR, c.DisqualifyWinner(prize=3, why="too young", **won))
    off = await create(stage.desk)
    await run(HOST, c.CancelDraw(ref=1, draw=off, why="x", key="k"))
    return {**names, "first": first, "next": await create(stage.desk)}


DRAW = {"draw": "$draw"}
NEVER = {"draw": GHOST}
TWICE = {"draw": "$next", "key": "k"}
SECRET = {"party": 2, "secret": COHOST_SECRET.hex()}
PAST = plan(beacon=BeaconKind.RECORDED)
CASES: list[Case[Stage]] = [
    Case(announced, HOST, c.CreateDraw, {"plan": PAST}, E.DRAW_RULES_REFUSED),
    Case(full_queue, HOST, c.CreateDraw, {"plan": plan()}, E.DRAW_QUEUE_FULL),
    Case(used_keys, HOST, c.CreateDraw, {"plan": plan(title="Another"), "key": "k"}, E.KEY_REUSED),
    Case(announced, HOST, c.SaveTemplate, {"name": "mine", "plan": PAST}, E.DRAW_RULES_REFUSED),
    Case(announced, HOST, c.SaveTemplate, {"name": "mine", "plan": None}, E.TEMPLATE_NOT_FOUND),
    Case(all_templates, HOST, c.SaveTemplate, {"name": "mine", "plan": plan()}, E.TOO_MANY),
    Case(used_keys, HOST, c.SaveTemplate, {"name": "usual", "plan": None, "key": "k"}, E.KEY_REUSED),
    Case(announced, HOST, c.OpenDraw, NEVER, E.DRAW_NOT_FOUND),
    Case(announced, HOST, c.OpenDraw, DRAW, E.DRAW_RULES_REFUSED),
    Case(drawn, HOST, c.OpenDraw, {**DRAW, "commitments": ["0" * 64], "names": ["Ada"]}, E.DRAW_STATE),
    Case(open_with_ann, HOST, c.OpenDraw,
         {"draw": "$next", "commitments": ["0" * 64], "names": ["Ada"]}, E.DRAW_ACTIVE),
    Case(show_scheduled, HOST, c.OpenDraw, DRAW, E.NO_SHOW),
    Case(frozen, HOST, c.OpenDraw, DRAW, E.FROZEN),
    Case(used_keys, HOST, c.OpenDraw, TWICE, E.KEY_REUSED),
    Case(announced, HOST, c.CloseDraw, NEVER, E.DRAW_NOT_FOUND),
    Case(announced, HOST, c.CloseDraw, DRAW, E.DRAW_STATE),
    Case(drawn, HOST, c.CloseDraw, DRAW, E.DRAW_STATE),
    Case(used_keys, HOST, c.CloseDraw, TWICE, E.KEY_REUSED),
    Case(announced, HOST, c.CancelDraw, {**NEVER, "why": "x"}, E.DRAW_NOT_FOUND),
    Case(drawn, HOST, c.CancelDraw, {**DRAW, "why": "x"}, E.DRAW_STATE),
    Case(used_keys, HOST, c.CancelDraw, {**TWICE, "why": "x"}, E.KEY_REUSED),
    Case(announced, GUEST, c.RevealDraw, {**NEVER, **SECRET}, E.DRAW_NOT_FOUND),
    Case(announced, GUEST, c.RevealDraw, {**DRAW, **SECRET}, E.REVEAL_REFUSED),
    Case(open_with_ann, GUEST, c.RevealDraw, {**DRAW, **SECRET}, E.REVEAL_REFUSED),
    Case(drawn, GUEST, c.RevealDraw, {**DRAW, **SECRET}, E.REVEAL_REFUSED),
    Case(drawn, GUEST, c.RevealDraw, {**DRAW, **SECRET, "party": 3}, E.REVEAL_REFUSED),
    Case(used_keys, HOST, c.RevealDraw,
         {"draw": "$first", "party": 3, "secret": OTHER_SECRET.hex(), "key": "k"}, E.KEY_REUSED),
    Case(announced, "ann", c.EnterDraw, NEVER, E.DRAW_NOT_FOUND),
    Case(announced, "ann", c.EnterDraw, DRAW, E.DRAW_NOT_OPEN),
    Case(drawn, "ann", c.EnterDraw, DRAW, E.DRAW_NOT_OPEN),
    Case(open_with_ann, "ann", c.EnterDraw, DRAW, E.DRAW_ENTERED),
    Case(open_with_ann, "ann", c.EnterDraw, {**DRAW, "key": "other"}, E.DRAW_ENTERED),
    Case(open_with_ann, GUEST, c.EnterDraw, DRAW, E.SIGN_IN_REQUIRED),
    Case(open_with_ann, HOST, c.EnterDraw, DRAW, E.DRAW_STAFF),
    Case(open_with_ann, "mia", c.EnterDraw, DRAW, E.MUTED),
    Case(open_with_ann, "ben", c.EnterDraw, DRAW, E.BANNED),
    Case(excluding, "$winner", c.EnterDraw, DRAW, E.DRAW_EXCLUDED),
    Case(for_who_watched, "ann", c.EnterDraw, DRAW, E.DRAW_NOT_ELIGIBLE),
    Case(announced, "ann", c.ClaimPrize, {**NEVER, "form": FORM}, E.DRAW_NOT_FOUND),
    Case(announced, "ann", c.ClaimPrize, {**DRAW, "form": FORM}, E.NOT_A_WINNER),
    Case(drawn, "$reserve", c.ClaimPrize, {**DRAW, "form": FORM}, E.NOT_A_WINNER),
    Case(drawn, "$winner", c.ClaimPrize, {**DRAW, "form": FORM, "receipt": "$theirs"}, E.RECEIPT_INVALID),
    Case(too_late, "$winner", c.ClaimPrize, {**DRAW, "form": FORM}, E.CLAIM_LATE),
    Case(gone_on, "$winner", c.ClaimPrize, {**DRAW, "form": FORM}, E.CLAIM_LATE),
    Case(settled_unclaimed, "$winner", c.ClaimPrize, {**DRAW, "form": FORM}, E.CLAIM_LATE),
    Case(claimed, "$winner", c.ClaimPrize, {**DRAW, "form": FORM}, E.CLAIMED),
    Case(settled, "$winner", c.ClaimPrize, {**DRAW, "form": FORM}, E.CLAIMED),
    Case(used_keys, "$winner0", c.ClaimPrize, {**TWICE, "form": FORM}, E.KEY_REUSED),
    Case(announced, "ann", c.DeclinePrize, NEVER, E.DRAW_NOT_FOUND),
    Case(announced, "ann", c.DeclinePrize, DRAW, E.NOT_A_WINNER),
    Case(drawn, "$reserve", c.DeclinePrize, DRAW, E.NOT_A_WINNER),
    Case(too_late, "$winner", c.DeclinePrize, DRAW, E.CLAIM_LATE),
    Case(gone_on, "$winner", c.DeclinePrize, DRAW, E.CLAIM_LATE),
    Case(settled_unclaimed, "$winner", c.DeclinePrize, DRAW, E.CLAIM_LATE),
    Case(settled_unclaimed, "$reserve", c.DeclinePrize, DRAW, E.CLAIM_LATE),
    Case(claimed, "$winner", c.DeclinePrize, DRAW, E.CLAIMED),
    Case(settled, "$winner", c.DeclinePrize, DRAW, E.CLAIMED),
    Case(used_keys, "$winner1", c.DeclinePrize, TWICE, E.KEY_REUSED),
    Case(announced, OPERATOR, c.MarkClaimed, {**NEVER, "prize": 0}, E.DRAW_NOT_FOUND),
    Case(announced, OPERATOR, c.MarkClaimed, {**DRAW, "prize": 0}, E.NOT_A_WINNER),
    Case(drawn, OPERATOR, c.MarkClaimed, {**DRAW, "prize": 1}, E.NOT_A_WINNER),
    Case(settled_unclaimed, OPERATOR, c.MarkClaimed, {**DRAW, "prize": 0}, E.DRAW_STATE),
    Case(too_late, OPERATOR, c.MarkClaimed, {**DRAW, "prize": 0}, E.CLAIM_LATE),
    Case(handed_over, OPERATOR, c.MarkClaimed, {**DRAW, "prize": 0}, E.CLAIMED),
    Case(used_keys, OPERATOR, c.MarkClaimed, {**TWICE, "prize": 2}, E.KEY_REUSED),
    Case(announced, OPERATOR, c.DisqualifyWinner, {**NEVER, "prize": 0, "why": "x"}, E.DRAW_NOT_FOUND),
    Case(drawn, OPERATOR, c.DisqualifyWinner, {**DRAW, "prize": 1, "why": "x"}, E.NOT_A_WINNER),
    Case(settled, OPERATOR, c.DisqualifyWinner, {**DRAW, "prize": 0, "why": "x"}, E.DRAW_STATE),
    Case(too_late, OPERATOR, c.DisqualifyWinner, {**DRAW, "prize": 0, "why": "x"}, E.CLAIM_LATE),
    Case(handed_over, OPERATOR, c.DisqualifyWinner, {**DRAW, "prize": 0, "why": "x"}, E.CLAIMED),
    Case(used_keys, OPERATOR, c.DisqualifyWinner, {**TWICE, "prize": 3, "why": "x"}, E.KEY_REUSED),
]  # fmt: skip


@pytest.fixture
async def stage(database: Database, settings: Settings, seeded: str) -> AsyncIterator[Stage]:
    async with node(database, settings) as desk:
        yield Stage(desk, database)


async def _clear(stage: Stage) -> None:
    """Nothing holds the next scene up."""
    await stage.sql("UPDATE room SET frozen_at = NULL")
    await stage.sql("UPDATE show SET state = 'live'")
    async with stage.database.read() as connection:
        waiting = await connection.fetch("SELECT draw_id FROM draw WHERE state IN ('announced', 'open')")
    for row in waiting:
        await stage.desk.run(HOST, c.CancelDraw(ref=1, draw=row["draw_id"], why="next"))
    await stage.sql("DELETE FROM draw_template")


async def test_every_declared_error_of_a_command_of_draws_is_answered_and_changes_nothing(stage: Stage) -> None:
    assert await try_all(stage.database, stage, CASES, stage.desk.run, lambda: _clear(stage)) == []


def test_the_table_covers_every_error_that_commands_of_draws_declare() -> None:
    assert covered(CASES) == declared(PART)
