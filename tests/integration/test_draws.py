"""Draws on real stores: the way from plan to proof, every way out, prizes that change hands."""

from __future__ import annotations

import csv
import io

import msgspec
import pytest

from livestream.protocol import commands as c
from livestream.protocol.draws import BeaconKind, DrawState, DrawWeights, PrizeTier, VoidWhy
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.personal import Person
from livestream.protocol.replies import Entered
from livestream.protocol.roles import Role
from livestream.protocol.show import ShowState
from livestream.storage.pool import Database
from lottery import claims, conducting, passing, privacy, prizes, quicknet, stages, store
from tests.support import live_draws as draws
from tests.support.live_draws import HOST, checked, close, conduct, create, enter, look, opened, refused, rows
from tests.support.nodes import Node, actor

# -- the whole way


async def test_a_draw_of_cohosts_goes_from_plan_to_a_proof_that_holds(desk: Node, database: Database) -> None:
    draw_id = await opened(desk)
    receipts = [await enter(desk, draw_id, f"v{number}") for number in range(7)]
    draw = await draws.drawn(desk, database, draw_id)
    assert (draw.state, draw.entries, draw.weight) == (DrawState.DRAWN, 7, 7)
    assert len({winner.entry for winner in draw.winners}) == 2
    for receipt in receipts:
        report = await checked(database, draw_id, receipt)
        assert report.ok, report
    assert [step.name for step in report.steps if step.result == "failed"] == []
    won = await rows(database, "SELECT pseudonym FROM notice WHERE event->>'t' = 'you_won' ORDER BY seq")
    assert len(won) == 2


@pytest.mark.usefixtures("own_beacon")
async def test_a_draw_of_the_public_beacon_waits_for_its_round_and_never_takes_another(
    desk: Node, database: Database
) -> None:
    draw_id = await opened(desk, beacon=BeaconKind.DRAND)
    receipt = await enter(desk, draw_id)
    await close(desk, draw_id)
    beacon = draws.Beacon()
    worker = draws.conductor(beacon)
    await conduct(database, worker)
    draw = await look(database, draw_id)
    assert draw.root
    assert draw.closed_at is not None
    assert draw.round == quicknet.round_for(draw.closed_at)
    assert beacon.asked == []  # its time has not come
    await draws.rewind(database, draw_id, 20)
    draw = await look(database, draw_id)
    beacon.rounds = {draw.round: draws.sign_round(draw.round + 1)}  # genuine, but of another round
    await conduct(database, worker)
    assert beacon.asked == [draw.round]
    assert (await look(database, draw_id)).state is DrawState.CLOSED
    beacon.rounds = {draw.round: draws.sign_round(draw.round)}
    await conduct(database, worker)
    assert (await look(database, draw_id)).state is DrawState.DRAWN
    assert (await checked(database, draw_id)).ok
    assert receipt.draw_id == draw_id


async def test_a_recorded_round_is_for_rehearsals_alone(desk: Node) -> None:
    assert await refused(draws.create(desk, beacon=BeaconKind.RECORDED)) is ErrorCode.DRAW_RULES_REFUSED


async def test_a_draw_closes_by_itself_and_late_is_late_though_nobody_swept(desk: Node, database: Database) -> None:
    draw_id = await opened(desk)
    await enter(desk, draw_id)
    async with database.transaction() as tx:
        await tx.execute("UPDATE deadline SET due_at = clock_timestamp() WHERE kind = 'draw_close'")
    assert await refused(enter(desk, draw_id, "bea")) is ErrorCode.DRAW_NOT_OPEN
    assert (await look(database, draw_id)).state is DrawState.OPEN
    await conduct(database)
    assert (await look(database, draw_id)).state is DrawState.CLOSED
    assert (await look(database, draw_id)).entries == 1


async def test_nobody_enters_and_the_draw_settles_without_winners(desk: Node, database: Database) -> None:
    draw_id = await opened(desk)
    draw = await draws.drawn(desk, database, draw_id)
    assert draw.winners == []
    assert await passing.pass_on(database, draws.ROOM, draw_id)
    assert (await look(database, draw_id)).state is DrawState.SETTLED
    assert (await checked(database, draw_id)).ok


# -- ways out


async def test_a_root_that_is_late_makes_the_draw_void_and_everybody_sees_it(
    desk: Node, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_id = await opened(desk, beacon=BeaconKind.DRAND)
    await enter(desk, draw_id)
    await close(desk, draw_id)
    await draws.rewind(database, draw_id, 20)
    await conduct(database)
    draw = await look(database, draw_id)
    assert (draw.state, draw.why, draw.root) == (DrawState.VOID, VoidWhy.LATE_ROOT, "")
    assert (await checked(database, draw_id)).ok
    assert await rows(database, "SELECT * FROM draw_pick") == []
    assert [row[0] for row in await rows(database, "SELECT event->>'why' FROM room_log ORDER BY seq DESC LIMIT 1")] == [
        "late_root"
    ]


async def test_a_reveal_that_is_missing_after_60_s_makes_the_draw_void(desk: Node, database: Database) -> None:
    draw_id = await opened(desk)
    await enter(desk, draw_id)
    assert await refused(draws.reveal(desk, draw_id)) is ErrorCode.REVEAL_REFUSED  # the root is not out
    await close(desk, draw_id)
    await conduct(database)
    assert await refused(draws.reveal(desk, draw_id, b"x" * 32)) is ErrorCode.REVEAL_REFUSED
    await _age_root(database, draw_id, 61)
    assert await refused(draws.reveal(desk, draw_id)) is ErrorCode.REVEAL_REFUSED
    await conduct(database)
    draw = await look(database, draw_id)
    assert (draw.state, draw.why) == (DrawState.VOID, VoidWhy.MISSING_REVEAL)
    assert (await checked(database, draw_id)).ok


async def test_whoever_has_a_secret_may_reveal_it_and_nobody_else(desk: Node, database: Database) -> None:
    draw_id = await create(desk)
    secrets = {2: draws.COHOST_SECRET, 3: b"n" * 32}
    promises = [draws.commitment(draw_id, party, secret) for party, secret in secrets.items()]
    await desk.run(HOST, c.OpenDraw(ref=1, draw=draw_id, commitments=promises, names=["Ada", "Notary"]))
    await enter(desk, draw_id)
    await close(desk, draw_id)
    await conduct(database)
    await _age_root(database, draw_id, 4)
    stranger = actor("", Role.ANONYMOUS)
    wrong = c.RevealDraw(ref=1, draw=draw_id, party=3, secret=secrets[2].hex())
    assert await refused(desk.run(stranger, wrong)) is ErrorCode.REVEAL_REFUSED
    await desk.run(stranger, msgspec.structs.replace(wrong, secret=secrets[3].hex()))
    await draws.reveal(desk, draw_id)
    await conduct(database)
    assert (await look(database, draw_id)).state is DrawState.DRAWN


async def test_weights_of_who_watched_and_commented_after_entering_add_up(desk: Node, database: Database) -> None:
    weights = DrawWeights(commented=2, watched=4, watched_step_s=20, watched_most=2)
    draw_id = await opened(desk, weights=weights)
    async with database.transaction() as tx:
        await tx.execute("UPDATE show SET began_at = began_at - interval '61 seconds'")
    ann = msgspec.structs.replace(actor(), since_ms=1)
    reply = await desk.run(ann, c.EnterDraw(ref=1, draw=draw_id))
    assert isinstance(reply, Entered)
    assert reply.receipt.weight == 9
    await desk.run(ann, c.Comment(ref=1, text="hello"))
    await close(desk, draw_id)
    await conduct(database)
    assert (await look(database, draw_id)).weight == 11


async def test_staff_see_what_became_of_each_prize_and_who_is_next(desk: Node, database: Database) -> None:
    three = [PrizeTier(tier="Only", name="Cup", quantity=2, value=1, currency="PLN")]
    draw_id = await opened(desk, prizes=three)
    for number in range(3):
        await enter(desk, draw_id, f"v{number}")
    drawn = await draws.drawn(desk, database, draw_id)
    operator = actor("olga", Role.OPERATOR)

    async def seen() -> tuple[list[tuple[str, int | None]], int | None]:
        async with database.read() as connection:
            found = await prizes.of(connection, "demo", draw_id)
        return [(str(each.state), each.reserve) for each in found.items], found.next_reserve

    assert await seen() == ([("waits", None), ("waits", None)], 1)
    await desk.run(operator, c.MarkClaimed(ref=1, draw=draw_id, prize=1))
    await desk.run(operator, c.DisqualifyWinner(ref=1, draw=draw_id, prize=0, why="too young"))
    assert await seen() == ([("waits", 1), ("handed", None)], None)
    await desk.run(operator, c.DisqualifyWinner(ref=1, draw=draw_id, prize=0, why="too young, too"))
    assert await seen() == ([("nobody", None), ("handed", None)], None)
    async with database.read() as connection:
        with pytest.raises(Refused):
            await prizes.of(connection, "another", drawn.id)


async def _age_root(database: Database, draw_id: str, seconds: int) -> None:
    draw = await look(database, draw_id)
    assert draw.rooted_at is not None
    aged = msgspec.structs.replace(draw, rooted_at=draw.rooted_at - seconds * 1000)
    async with database.transaction() as tx:
        await tx.execute(
            "UPDATE draw SET body = $2::text::json WHERE draw_id = $1", draw_id, msgspec.json.encode(aged).decode()
        )


async def test_the_server_reveals_only_when_the_room_had_time_to_see_the_root(desk: Node, database: Database) -> None:
    draw_id = await opened(desk)
    await close(desk, draw_id)
    await conduct(database, conducting.Conductor(draws.Beacon()))  # type: ignore[arg-type]
    assert (await look(database, draw_id)).root
    assert (await look(database, draw_id)).revealed == []
    await _age_root(database, draw_id, 3)
    await conduct(database, conducting.Conductor(draws.Beacon()))  # type: ignore[arg-type]
    assert (await look(database, draw_id)).revealed == [1]


async def test_a_draw_is_called_off_before_it_closes_and_never_after(desk: Node, database: Database) -> None:
    draw_id = await opened(desk)
    await desk.run(HOST, c.CancelDraw(ref=1, draw=draw_id, why="wrong prize"))
    assert await refused(enter(desk, draw_id)) is ErrorCode.DRAW_NOT_OPEN
    assert (await checked(database, draw_id)).ok
    second = await opened(desk)
    await close(desk, second)
    assert await refused(desk.run(HOST, c.CancelDraw(ref=1, draw=second, why="no"))) is ErrorCode.DRAW_STATE
    assert await refused(desk.run(HOST, c.CloseDraw(ref=1, draw=second))) is ErrorCode.DRAW_STATE


async def test_the_end_of_the_show_calls_an_open_draw_off_and_a_pause_does_not(desk: Node, database: Database) -> None:
    draw_id = await opened(desk)
    await desk.run(HOST, c.SetShow(ref=1, state=ShowState.PAUSED))
    await enter(desk, draw_id)
    await desk.run(HOST, c.SetShow(ref=1, state=ShowState.ENDED))
    assert await refused(enter(desk, draw_id, "bea")) is ErrorCode.DRAW_NOT_OPEN
    await conduct(database)
    draw = await look(database, draw_id)
    assert (draw.state, draw.why) == (DrawState.CANCELLED, "the show ended")


async def test_a_break_moves_the_latest_close_and_the_proof_knows(desk: Node, database: Database) -> None:
    draw_id = await opened(desk)
    planned = (await look(database, draw_id)).closes_at
    assert planned is not None
    await desk.run(HOST, c.Freeze(ref=1))
    async with database.transaction() as tx:  # the break began 100 s ago
        await tx.execute("UPDATE room SET frozen_at = frozen_at - interval '100 seconds'")
        await tx.execute("UPDATE deadline SET due_at = clock_timestamp() - interval '50 seconds'")
    assert await stages.end_open(database, draws.ROOM, draw_id) is None
    await enter(desk, draw_id)
    async with database.transaction() as tx:
        await tx.execute(
            "UPDATE room SET state = jsonb_set(state::jsonb, '{freezing,at}',"
            " to_jsonb((extract(epoch FROM frozen_at) * 1000)::bigint))::json"
        )
        await tx.execute("UPDATE deadline SET due_at = to_timestamp($1::bigint / 1000.0)", planned)
    await desk.run(HOST, c.Unfreeze(ref=1))
    moved = (await look(database, draw_id)).closes_at
    assert moved is not None
    assert 100_000 <= moved - planned < 110_000
    await draws.drawn(desk, database, draw_id)
    held = None
    async with database.read() as connection:
        held = await store.look(connection, draw_id)
    assert held is not None
    assert held.frozen_ms == moved - planned
    assert (await checked(database, draw_id)).ok


async def test_one_draw_of_a_room_is_under_way_and_others_wait(desk: Node) -> None:
    first, second = await opened(desk), await draws.create(desk)
    start = c.OpenDraw(ref=1, draw=second, commitments=[draws.commitment(second)], names=["Ada"])
    assert await refused(desk.run(HOST, start)) is ErrorCode.DRAW_ACTIVE
    await close(desk, first)
    assert await refused(desk.run(HOST, start)) is ErrorCode.DRAW_ACTIVE
    for _ in range(9):
        await draws.create(desk)
    assert await refused(draws.create(desk)) is ErrorCode.DRAW_QUEUE_FULL


# -- prizes


async def test_a_prize_nobody_claims_goes_to_the_next_reserve_and_the_proof_shows_it(
    desk: Node, database: Database
) -> None:
    draw_id = await opened(desk, prizes=[PrizeTier(tier="First", name="Bike", value=1, currency="PLN")])
    for number in range(3):
        await enter(desk, draw_id, f"v{number}")
    draw = await draws.drawn(desk, database, draw_id)
    holders = [draw.winners[0].entry]
    for _ in range(2):
        await _let_claims_lapse(database, draw_id)
        assert await passing.pass_on(database, draws.ROOM, draw_id)
        holders.append((await look(database, draw_id)).winners[0].entry)
    assert len(set(holders)) == 3
    [(last,)] = await rows(database, "SELECT viewer_id FROM draw_entry WHERE entry_id = decode($1, 'hex')", holders[-1])
    form = c.ClaimForm(name="Ann", address="=HYPERLINK(1)")
    for viewer in ("v0", "v1", "v2"):
        if viewer != last:
            assert await refused(_claim(desk, draw_id, viewer, form)) is ErrorCode.CLAIM_LATE
    await _claim(desk, draw_id, str(last), form)
    assert await refused(_claim(desk, draw_id, str(last), form)) is ErrorCode.CLAIMED
    assert await refused(_claim(desk, draw_id, "nobody", form)) is ErrorCode.NOT_A_WINNER
    assert await passing.pass_on(database, draws.ROOM, draw_id) is None  # the shop may still look at the claim
    await _let_claims_lapse(database, draw_id)
    assert await passing.pass_on(database, draws.ROOM, draw_id)
    assert (await look(database, draw_id)).state is DrawState.SETTLED
    moved = await rows(database, "SELECT count(*) FROM notice WHERE event->>'t' = 'your_prize_went_on'")
    assert moved == [(2,)]
    async with database.read() as connection:
        table = list(
            csv.DictReader(io.StringIO((await claims.as_csv(connection, "demo", draw_id)).decode("utf-8-sig")))
        )
    assert [row["state"] for row in table] == ["unclaimed", "unclaimed", "claimed"]
    assert table[-1]["address"] == "'=HYPERLINK(1)"
    async with database.transaction() as tx:
        await tx.execute("UPDATE draw_claim SET delete_at = clock_timestamp()")
    assert await claims.forget(database) == 1


async def _claim(desk: Node, draw_id: str, viewer: str, form: c.ClaimForm, **more: object) -> object:
    return await desk.run(actor(viewer), c.ClaimPrize(ref=1, draw=draw_id, form=form, **more))  # type: ignore[arg-type]


async def _let_claims_lapse(database: Database, draw_id: str) -> None:
    async with database.transaction() as tx:
        await tx.execute(
            # A whole second: draws judge by milliseconds, and the present one is not over yet.
            "UPDATE draw_pick SET claim_until = clock_timestamp() - interval '1 s'"
            " WHERE draw_id = $1 AND prize IS NOT NULL",
            draw_id,
        )


async def test_a_forged_receipt_claims_nothing(desk: Node, database: Database) -> None:
    draw_id = await opened(desk)
    receipt = await enter(desk, draw_id)
    await draws.drawn(desk, database, draw_id)
    form = c.ClaimForm(name="Ann")
    for forged in (
        msgspec.structs.replace(receipt, weight=2),
        msgspec.structs.replace(receipt, signature="00" * 64),
        msgspec.structs.replace(receipt, draw_id="ab" * 16),
    ):
        assert await refused(_claim(desk, draw_id, "ann", form, receipt=forged)) is ErrorCode.RECEIPT_INVALID
    assert await refused(_claim(desk, draw_id, "eve", form, receipt=receipt)) is ErrorCode.RECEIPT_INVALID
    assert await rows(database, "SELECT count(*) FROM draw_claim") == [(0,)]
    assert await rows(database, "SELECT pseudonym, code, times FROM draw_refusal ORDER BY 1") == [
        ("p-ann", "receipt_invalid", 3),
        ("p-eve", "receipt_invalid", 1),
    ]
    await _claim(desk, draw_id, "ann", form, receipt=receipt)


async def test_who_was_erased_leaves_a_proof_that_holds(desk: Node, database: Database) -> None:
    draw_id = await opened(desk)
    receipt = await enter(desk, draw_id)
    draw = await draws.drawn(desk, database, draw_id)
    await _claim(desk, draw_id, "ann", c.ClaimForm(name="Ann Example"))
    before = await draws.proof_of(database, draw_id)
    async with database.transaction() as tx:
        told = await privacy.export(tx, "p-ann", "ann", ["demo"])
        assert [len(told[kind]) for kind in ("entries", "claims")] == [1, 1]
        await privacy.erase(tx, await privacy.marks(tx, Person("p-ann", "ann"), ["demo"]), ["demo"])
    assert await draws.proof_of(database, draw_id) == before
    assert (await checked(database, draw_id, receipt)).ok
    for table in ("draw_entry", "draw_claim", "draw_refusal", "draw_pick", "draw"):
        for mark in ("p-ann", "Ann Example"):
            assert await rows(database, f"SELECT 1 FROM {table} t WHERE strpos(t::text, $1) > 0", mark) == []
    assert draw.winners[0].name == "A•••"
