"""A prize that is nobody's: everybody sees it with the reason, and the proof shows that no reserve was left."""

from __future__ import annotations

import msgspec
import pytest

from livestream.protocol import commands as c
from livestream.protocol.draws import DrawState, PassedWhy, PrizeTier
from livestream.protocol.http import PrizeState
from livestream.protocol.roles import Role
from livestream.storage.pool import Database
from lottery import document, passing, prizes
from lottery.verify import verify
from tests.support import live_draws as draws
from tests.support.live_draws import enter, look, opened, proof_of
from tests.support.nodes import Node, actor, until

ONE_PRIZE = [PrizeTier(tier="First", name="Bike", value=1, currency="PLN")]


async def _lose(why: PassedWhy, desk: Node, database: Database, draw_id: str) -> None:
    """Whoever has the one prize has it no longer."""
    match why:
        case PassedWhy.DECLINED:
            async with database.read() as connection:
                holder = await connection.fetchval(
                    "SELECT viewer_id FROM draw_entry JOIN draw_pick USING (draw_id, entry_id)"
                    " WHERE prize = 0 AND lapsed_at IS NULL"
                )
            await desk.run(actor(holder), c.DeclinePrize(ref=1, draw=draw_id))
        case PassedWhy.DISQUALIFIED:
            excluded = c.DisqualifyWinner(ref=1, draw=draw_id, prize=0, why="too young")
            await desk.run(actor("op", Role.OPERATOR), excluded)
        case PassedWhy.UNCLAIMED:
            await draws.hurry(database, draw_id, 8 * 24 * 3600)
            assert await passing.pass_on(database, draws.ROOM, draw_id)


@pytest.mark.parametrize("why", list(PassedWhy))
async def test_a_prize_that_no_reserve_is_left_for_is_nobodys_and_everybody_sees_why(
    why: PassedWhy, desk: Node, database: Database
) -> None:
    draw_id = await opened(desk, prizes=ONE_PRIZE)
    for viewer in ("ann", "bea"):
        await enter(desk, draw_id, viewer)
    draw = await draws.drawn(desk, database, draw_id)
    await _lose(PassedWhy.DECLINED, desk, database, draw_id)
    assert [(each.place, each.lapsed) for each in (await look(database, draw_id)).winners] == [(1, None)]
    async with database.read() as connection:
        before = await document.version(connection, draw_id)
    await _lose(why, desk, database, draw_id)
    channel = await desk.hub.channel(draws.ROOM)
    await until(lambda: [each.lapsed for each in channel.snapshot(False).draws[0].winners] == [why])
    assert [(each.prize, each.lapsed) for each in (await look(database, draw_id)).winners] == [(0, why)]
    async with database.read() as connection:
        assert await document.version(connection, draw_id) != before
        events = await connection.fetch(
            "SELECT event->>'prize' AS prize, event->>'why' AS why FROM room_log"
            " WHERE event->>'t' = 'draw_prize_lapsed'"
        )
        [prize] = (await prizes.of(connection, draws.ROOM, draw_id)).items
    assert [(row["prize"], row["why"]) for row in events] == [("0", str(why))]
    assert (prize.state, prize.why, prize.winner) == (PrizeState.NOBODY, why, None)
    proof = msgspec.json.decode(await proof_of(database, draw_id))
    assert [(each["unit"], each["why"]) for each in proof["lapsed"]] == [(0, str(why))]
    if why is PassedWhy.UNCLAIMED:  # the test let time go by for the claim alone, which the check sees
        assert not verify(msgspec.json.encode(proof)).ok
        proof["lapsed"][0]["lapsed_ms"] += 8 * 24 * 3600 * 1000
    assert verify(msgspec.json.encode(proof)).ok
    await passing.pass_on(database, draws.ROOM, draw_id)
    assert (await look(database, draw_id)).state is DrawState.SETTLED
    assert draw.winners[0].lapsed is None
