"""Prizes: they wait for who won them whatever draw is on, go on for the reasons there are, and outlive a secret."""

from __future__ import annotations

import asyncio
import csv
import io

import msgspec
import pytest

from livestream.config import Settings
from livestream.protocol import commands as c
from livestream.protocol.draws import DrawState, OwnDraw, PassedWhy, PrizeTier
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.personal import Person
from livestream.protocol.pushes import OwnDraws
from livestream.protocol.replies import Claimed
from livestream.protocol.roles import Role
from livestream.storage.pool import Database
from lottery import claims, passing, privacy
from lottery.part import Lottery
from lottery.verify import verify
from tests.support import live_draws as draws
from tests.support.live_draws import checked, enter, look, opened, proof_of, refused
from tests.support.nodes import Node, actor, node

ONE_PRIZE = {"prizes": [PrizeTier(tier="First", name="Bike", value=1, currency="PLN")]}
OPERATOR = actor("op", Role.OPERATOR)
FORM = c.ClaimForm(name="Ann", address="ul. Długa 1")


async def own(desk: Node, database: Database, viewer: str = "ann", pseudonym: str | None = None) -> list[OwnDraw]:
    """What somebody who comes in now is told of their draws."""
    lottery = next(each for each in desk.parts.runners if isinstance(each, Lottery))
    who = pseudonym or f"p-{viewer}"
    async with database.read() as connection:
        pushes = (await lottery.own(connection, draws.ROOM, "demo", {who: viewer})).get(who, ())
    [told] = pushes
    assert isinstance(told, OwnDraws)
    return told.draws


async def drawn_with(desk: Node, database: Database, *viewers: str) -> tuple[str, list[str]]:
    """A draw with one prize, and who was drawn, the winner first."""
    draw_id = await opened(desk, **ONE_PRIZE)
    for viewer in viewers:
        await enter(desk, draw_id, viewer)
    await draws.drawn(desk, database, draw_id)
    async with database.read() as connection:
        rows = await connection.fetch(
            "SELECT viewer_id FROM draw_pick JOIN draw_entry USING (draw_id, entry_id)"
            " WHERE draw_id = $1 ORDER BY place",
            draw_id,
        )
    return draw_id, [row["viewer_id"] for row in rows]


async def test_a_prize_waits_for_who_won_it_through_all_the_draws_that_follow(desk: Node, database: Database) -> None:
    first, _ = await drawn_with(desk, database, "ann")
    others = [await drawn_with(desk, database, "ann") for _ in range(2)]
    for draw_id, _ in others:
        assert isinstance(await desk.run(actor(), c.ClaimPrize(ref=1, draw=draw_id, form=FORM)), Claimed)
    for _ in range(4):  # entered, and called off
        draw_id = await opened(desk)
        await enter(desk, draw_id)
        await desk.run(draws.HOST, c.CancelDraw(ref=1, draw=draw_id, why="x"))
    last = await opened(desk)
    await enter(desk, last)
    mine = await own(desk, database)
    assert (mine[0].draw, mine[0].prize_title, mine[0].claimed) == (first, "Bike", False)
    assert [each.claimed for each in mine] == [False, True, True, False, False, False]
    assert mine[-1].draw == last
    assert mine[-1].receipt is not None
    reply = await desk.run(actor(), c.ClaimPrize(ref=1, draw=first, form=FORM))
    assert isinstance(reply, Claimed)
    assert await own(desk, database, "bea") == []  # who is in none is told how many are in


async def test_the_draw_that_is_on_is_told_though_it_was_made_before_others(desk: Node, database: Database) -> None:
    queued = await draws.create(desk)
    for _ in range(3):  # entered, and called off
        await enter(desk, draw_id := await opened(desk))
        await desk.run(draws.HOST, c.CancelDraw(ref=1, draw=draw_id, why="x"))
    start = c.OpenDraw(ref=1, draw=queued, commitments=[draws.commitment(queued)], names=["Ada"])
    await desk.run(draws.HOST, start)
    receipt = await enter(desk, queued)
    mine = await own(desk, database)
    assert len(mine) == 3
    assert receipt in [each.receipt for each in mine]


async def test_a_reserve_who_moves_up_while_another_draw_is_open_can_claim(desk: Node, database: Database) -> None:
    first, (_, reserve) = await drawn_with(desk, database, "ann", "bea")
    second = await opened(desk)
    receipt = await enter(desk, second, reserve)
    await draws.hurry(database, first, 8 * 24 * 3600)
    assert await passing.pass_on(database, draws.ROOM, first)
    one, two = await own(desk, database, reserve)
    assert (one.draw, one.prize, one.title) == (first, 0, "Friday draw")
    assert (two.draw, two.receipt, two.prize) == (second, receipt, None)
    await desk.run(actor(reserve), c.ClaimPrize(ref=1, draw=first, form=FORM))
    assert (await own(desk, database, reserve))[0].claimed


async def test_a_claim_says_when_it_is_deleted_and_then_nothing_holds_it(desk: Node, database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO webhook_endpoint (endpoint_id, shop_id, url, secret) VALUES ('e', 'demo', 'http://x', 'x')"
        )
    draw_id, _ = await drawn_with(desk, database, "ann")
    reply = await desk.run(actor(), c.ClaimPrize(ref=1, draw=draw_id, form=FORM))
    assert isinstance(reply, Claimed)
    [mine] = await own(desk, database)
    assert (mine.claimed, mine.delete_at) == (True, reply.delete_at)
    async with database.read() as connection:
        [notice] = await connection.fetch("SELECT event::text FROM notice WHERE event->>'t' = 'your_prize_claimed'")
        assert msgspec.json.decode(notice["event"])["delete_at"] == reply.delete_at
        assert "Długa" in await connection.fetchval("SELECT body::text FROM webhook_message WHERE type='draw.claimed'")
    assert await claims.forget(database) == 0
    async with database.transaction() as tx:
        await tx.execute("UPDATE draw_claim SET delete_at = clock_timestamp()")
        await tx.execute(
            "UPDATE webhook_message SET body = jsonb_set(body::jsonb, '{data,delete_at}', '1')::json"
            " WHERE type = 'draw.claimed'"
        )
    assert await claims.forget(database) == 1
    async with database.read() as connection:
        kinds = {row["type"] for row in await connection.fetch("SELECT type FROM webhook_message")}
    assert kinds == {"draw.opened", "draw.drawn"}


async def test_a_claim_past_its_date_is_in_no_table_and_no_export_though_nobody_swept(
    desk: Node, database: Database
) -> None:
    draw_id, _ = await drawn_with(desk, database, "ann")
    await desk.run(actor(), c.ClaimPrize(ref=1, draw=draw_id, form=FORM))
    async with database.transaction() as tx:
        await tx.execute("UPDATE draw_claim SET delete_at = clock_timestamp()")
    async with database.read() as connection:
        table = (await claims.as_csv(connection, "demo", draw_id)).decode("utf-8-sig")
        exported = await privacy.export(connection, "p-ann", "ann", ["demo"])
        assert await refused(claims.as_csv(connection, "another", draw_id)) is ErrorCode.DRAW_NOT_FOUND
    [row] = csv.DictReader(io.StringIO(table))
    assert [row[name] for name in ("viewer", "state", "claim_name", "address", "delete_at")] == [
        "ann", "claimed", "", "", ""
    ]  # fmt: skip
    assert (len(exported["entries"]), exported["claims"]) == (1, [])


@pytest.mark.parametrize("why", [PassedWhy.DECLINED, PassedWhy.DISQUALIFIED])
async def test_a_prize_goes_on_at_once_when_it_is_declined_or_its_winner_excluded(
    why: PassedWhy, desk: Node, database: Database
) -> None:
    draw_id, people = await drawn_with(desk, database, "ann", "bea", "cid")
    winner, reserve, last = people
    if why is PassedWhy.DECLINED:
        assert await refused(desk.run(actor(reserve), c.DeclinePrize(ref=1, draw=draw_id))) is ErrorCode.NOT_A_WINNER
        await desk.run(actor(winner), c.DeclinePrize(ref=1, draw=draw_id, key="k"))
        await desk.run(actor(winner), c.DeclinePrize(ref=1, draw=draw_id, key="k"))  # the reply was lost
        assert await refused(desk.run(actor(winner), c.DeclinePrize(ref=1, draw=draw_id))) is ErrorCode.CLAIM_LATE
    else:
        await desk.run(actor(winner), c.ClaimPrize(ref=1, draw=draw_id, form=FORM))
        assert await passing.pass_on(database, draws.ROOM, draw_id) is None  # claimed, but the shop may still look
        await desk.run(OPERATOR, c.DisqualifyWinner(ref=1, draw=draw_id, prize=0, why="too young"))
    draw = await look(database, draw_id)
    assert draw.winners[0].place == 1
    await draws.hurry(database, draw_id, 8 * 24 * 3600)
    assert await passing.pass_on(database, draws.ROOM, draw_id)
    await desk.run(actor(last), c.ClaimPrize(ref=1, draw=draw_id, form=FORM))
    proof = msgspec.json.decode(await proof_of(database, draw_id))
    assert [(each["reserve"], each["why"]) for each in proof["passed"]] == [(0, str(why)), (1, "unclaimed")]
    # The test let time go by for claims alone: the second holder's was over before its time, which the check sees.
    proof["passed"][1]["passed_ms"] += 8 * 24 * 3600 * 1000
    assert verify(msgspec.json.encode(proof)).ok
    async with database.read() as connection:
        told = await connection.fetch("SELECT pseudonym, event->>'why' AS why FROM notice WHERE event->>'t' = $1",
                                      "your_prize_went_on")  # fmt: skip
    assert {row["pseudonym"]: row["why"] for row in told} == {
        f"p-{winner}": str(why), f"p-{reserve}": None
    }  # fmt: skip


async def test_the_shop_hears_that_a_prize_is_nobodys_also_when_nobody_else_is_left_to_tell(
    desk: Node, database: Database
) -> None:
    """Who had it was erased, no reserve is left, and the other prize still waits."""
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO webhook_endpoint (endpoint_id, shop_id, url, secret) VALUES ('e', 'demo', 'http://x', 'x')"
        )
    draw_id = await opened(desk)
    for viewer in ("ann", "bea"):
        await enter(desk, draw_id, viewer)
    await draws.drawn(desk, database, draw_id)
    async with database.transaction() as tx:
        await privacy.erase(tx, await privacy.marks(tx, Person("p-ann", "ann"), ["demo"]), ["demo"])
        prize = await tx.fetchval(
            """
            UPDATE draw_pick SET claim_until = clock_timestamp() - interval '1 s'
              FROM draw_entry e WHERE e.draw_id = $1 AND draw_pick.draw_id = $1 AND e.entry_id = draw_pick.entry_id
               AND e.viewer_id IS NULL RETURNING prize""",
            draw_id,
        )
    for _ in range(2):
        await passing.pass_on(database, draws.ROOM, draw_id)
    assert (await look(database, draw_id)).state is DrawState.DRAWN
    async with database.read() as connection:
        told = await connection.fetch(
            "SELECT body->'data'->>'prize' AS prize FROM webhook_message WHERE type = 'draw.prize_lapsed'"
        )
    assert [row["prize"] for row in told] == [str(prize)]
    proof = msgspec.json.decode(await proof_of(database, draw_id))
    proof["lapsed"][0]["lapsed_ms"] += 8 * 24 * 3600 * 1000  # the test let time go by for one claim alone
    assert verify(msgspec.json.encode(proof)).ok


async def test_a_prize_that_the_shop_handed_over_waits_for_nobody_and_goes_to_nobody_else(
    desk: Node, database: Database
) -> None:
    draw_id, _ = await drawn_with(desk, database, "ann", "bea")
    mark = c.MarkClaimed(ref=1, draw=draw_id, prize=0)
    assert await refused(desk.run(OPERATOR, c.MarkClaimed(ref=1, draw=draw_id, prize=1))) is ErrorCode.NOT_A_WINNER
    await desk.run(OPERATOR, mark)
    assert await refused(desk.run(OPERATOR, mark)) is ErrorCode.CLAIMED
    early = c.DisqualifyWinner(ref=1, draw=draw_id, prize=0, why="changed my mind")
    assert await refused(desk.run(OPERATOR, early)) is ErrorCode.CLAIMED
    await draws.hurry(database, draw_id, 8 * 24 * 3600)
    assert await passing.pass_on(database, draws.ROOM, draw_id)
    assert (await look(database, draw_id)).state is DrawState.SETTLED
    assert await refused(desk.run(OPERATOR, mark)) is ErrorCode.CLAIMED
    assert (await checked(database, draw_id)).ok
    async with database.read() as connection:
        audit = [row["what"] for row in await connection.fetch("SELECT event->>'what' AS what FROM staff_log")]
    assert sum("handed over" in (what or "") for what in audit) == 1


async def test_another_secret_of_the_deployment_loses_no_prize_and_makes_no_receipt_false(
    desk: Node, database: Database, settings: Settings
) -> None:
    """It changes every pseudonym: people are the shop's own ids, and the draw keeps its key."""
    draw_id = await opened(desk, **ONE_PRIZE)
    receipt = await enter(desk, draw_id, key="k")
    other = msgspec.structs.replace(settings, secret="another secret, of thirty-two characters")
    async with node(database, other, 2, beat=True) as later:
        ann = msgspec.structs.replace(actor(), pseudonym="p-ann-anew")
        assert (await later.run(ann, c.EnterDraw(ref=1, draw=draw_id, key="k"))).receipt == receipt  # type: ignore[union-attr]
        bea = await enter(later, draw_id, "bea")
        await draws.drawn(later, database, draw_id)
        assert (await checked(database, draw_id, receipt)).ok
        assert (await checked(database, draw_id, bea)).ok
        [mine] = await own(later, database, "ann", "p-ann-anew")
        assert mine.receipt == receipt
        winner = (await look(database, draw_id)).winners[0].entry
        who = ann if winner == receipt.entry_id else msgspec.structs.replace(actor("bea"), pseudonym="p-bea-anew")
        assert isinstance(await later.run(who, c.ClaimPrize(ref=1, draw=draw_id, form=FORM)), Claimed)
        third = await opened(later, exclude_winners_of=1)
        assert await refused(later.run(who, c.EnterDraw(ref=1, draw=third))) is ErrorCode.DRAW_EXCLUDED


async def test_the_last_draws_are_those_drawn_last_not_those_made_last(desk: Node, database: Database) -> None:
    queued = await draws.create(desk)
    await drawn_with(desk, database, "bea")
    start = c.OpenDraw(ref=1, draw=queued, commitments=[draws.commitment(queued)], names=["Ada"])
    await desk.run(draws.HOST, start)
    await enter(desk, queued, "ann")
    await draws.drawn(desk, database, queued)
    third = await opened(desk, exclude_winners_of=1)
    assert await refused(enter(desk, third, "ann")) is ErrorCode.DRAW_EXCLUDED
    await enter(desk, third, "bea")


async def test_a_claim_at_the_last_moment_and_the_prize_going_on_leave_it_with_one_of_them(
    desk: Node, database: Database
) -> None:
    draw_id, (winner, _) = await drawn_with(desk, database, "ann", "bea")
    async with database.transaction() as tx:
        await tx.execute(
            "UPDATE draw_pick SET claim_until = clock_timestamp() + interval '40 ms' WHERE prize IS NOT NULL"
        )

    async def claim() -> bool:
        await asyncio.sleep(0.038)
        try:
            await desk.run(actor(winner), c.ClaimPrize(ref=1, draw=draw_id, form=FORM))
        except Refused:  # late
            return False
        return True

    async def take() -> None:
        for _ in range(20):
            await passing.pass_on(database, draws.ROOM, draw_id)
            await asyncio.sleep(0.005)

    claimed, _ = await asyncio.gather(claim(), take())
    await passing.pass_on(database, draws.ROOM, draw_id)
    draw = await look(database, draw_id)
    assert (draw.winners[0].place, draw.state is DrawState.SETTLED) == ((0, True) if claimed else (1, False))


async def test_who_was_erased_while_a_draw_was_open_stays_a_number_and_enters_no_second_time(
    desk: Node, database: Database
) -> None:
    draw_id = await opened(desk, **ONE_PRIZE)
    await enter(desk, draw_id, key="k")
    async with database.transaction() as tx:
        await privacy.erase(tx, await privacy.marks(tx, Person("p-ann", "ann"), ["demo"]), ["demo"])
    assert await refused(enter(desk, draw_id, key="k")) is ErrorCode.DRAW_ENTERED
    assert await own(desk, database) == []
    await draws.drawn(desk, database, draw_id)
    assert await refused(desk.run(actor(), c.ClaimPrize(ref=1, draw=draw_id, form=FORM))) is ErrorCode.NOT_A_WINNER
    assert (await checked(database, draw_id)).ok
