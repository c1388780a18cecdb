"""Idempotency on Postgres: one key, one effect, one answer, however often and from wherever it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from livestream.config import Settings
from livestream.protocol.commands import Comment, Invite, Pin, Say, SetShow
from livestream.protocol.errors import ErrorCode, OutcomeUnknown, Refused
from livestream.protocol.replies import AnyReply, Invited, Posted
from livestream.protocol.roles import Role
from livestream.protocol.show import ShowState
from livestream.storage import idempotency
from livestream.storage.idempotency import Claim, Used
from livestream.storage.pool import Database
from tests.support.bare import new_room
from tests.support.linecutter import line_cutter
from tests.support.nodes import HOST_ID, Node, actor, node

HOST = actor(HOST_ID, Role.HOST)
A, B = b"a" * 16, b"b" * 16


def claim(key: str, body: bytes = A) -> Claim:
    return Claim("shop", "viewer:ann", "comment", key, body)


@pytest.fixture
async def two(database: Database, settings: Settings, seeded: str) -> AsyncIterator[tuple[Node, Node]]:
    """Two processes over one room."""
    async with node(database, settings, 1) as first, node(database, settings, 2) as second:
        yield first, second


async def count(database: Database, table: str) -> int:
    async with database.read() as connection:
        found: int = await connection.fetchval(f"SELECT count(*) FROM {table}")
        return found


async def test_the_second_transaction_waits_for_the_first_and_gets_its_answer(database: Database) -> None:
    async def second() -> dict[idempotency.Slot, Used]:
        async with database.transaction() as tx:
            return await idempotency.claim(tx, [claim("k")])

    async with database.transaction() as tx:
        assert await idempotency.claim(tx, [claim("k")]) == {}
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await idempotency.settle(tx, [(claim("k"), b'{"answer":1}')])
    assert await waiting == {claim("k").slot: Used(A, b'{"answer":1}')}


@pytest.mark.parametrize("gives_back", ["settled as refused", "rolled back"])
async def test_the_second_transaction_starts_afresh_where_the_first_did_nothing(
    database: Database, gives_back: str
) -> None:
    async def second() -> dict[idempotency.Slot, Used]:
        async with database.transaction() as tx:
            return await idempotency.claim(tx, [claim("k", B)])

    async def first() -> None:
        async with database.transaction() as tx:
            assert await idempotency.claim(tx, [claim("k")]) == {}
            nonlocal waiting
            waiting = asyncio.create_task(second())
            await asyncio.sleep(0.1)
            if gives_back == "rolled back":
                raise KeyError
            await idempotency.settle(tx, [(claim("k"), None)])

    waiting: asyncio.Task[dict[idempotency.Slot, Used]] | None = None
    try:
        await first()
    except KeyError:
        assert gives_back == "rolled back"
    assert waiting is not None
    assert await waiting == {}


async def test_claims_in_opposite_order_do_not_deadlock(database: Database) -> None:
    keys = [f"k{number}" for number in range(50)]

    async def take(order: list[str]) -> int:
        async with database.transaction() as tx:
            known = await idempotency.claim(tx, [claim(key) for key in order])
            await idempotency.settle(tx, [(claim(key), b"1") for key in order if claim(key).slot not in known])
            return len(keys) - len(known)

    assert sum(await asyncio.gather(*(take(keys[::step]) for step in (1, -1) * 4))) == 50


def test_another_body_under_the_same_key_is_refused() -> None:
    used = Used(A, b"1")
    assert used.answer_to(claim("k", A)) == b"1"
    with pytest.raises(Refused) as refused:
        used.answer_to(claim("k", B))
    assert refused.value.code is ErrorCode.KEY_REUSED


def test_the_hash_leaves_out_the_ref_and_nothing_else() -> None:
    say = Say(ref=1, text="hi", key="k")
    assert idempotency.body_hash(say) == idempotency.body_hash(msgspec.structs.replace(say, ref=2))
    for other in (Say(ref=1, text="ho", key="k"), Say(ref=1, text="hi", key="k", pin=True), Pin(ref=1, message=None)):
        assert idempotency.body_hash(other) != idempotency.body_hash(say)


async def test_keys_are_forgotten_after_a_day(database: Database) -> None:
    async with database.transaction() as tx:
        await idempotency.claim(tx, [claim("old"), claim("new")])
        await idempotency.settle(tx, [(claim("old"), b"1"), (claim("new"), b"2")])
        await tx.execute("UPDATE idempotency SET created_at = created_at - interval '24 hours' WHERE key = 'old'")
        assert await idempotency.forget_old(tx) == 1
        assert await idempotency.claim(tx, [claim("old", B), claim("new")]) == {claim("new").slot: Used(A, b"2")}


@pytest.mark.parametrize("command", [Say(ref=1, text="Hello", key="k"), Comment(ref=1, text="Hi", key="k")])
async def test_the_same_key_from_two_processes_at_once_has_one_effect(
    two: tuple[Node, Node], database: Database, command: Say | Comment
) -> None:
    who = HOST if isinstance(command, Say) else actor()
    replies = await asyncio.gather(
        *(two[number % 2].run(who, msgspec.structs.replace(command, ref=number)) for number in range(20))
    )
    assert [reply.ref for reply in replies] == list(range(20))
    assert len({reply.id for reply in replies if isinstance(reply, Posted)}) == 1
    assert await count(database, "host_message" if isinstance(command, Say) else "comment") == 1
    again = await two[1].run(who, command)
    assert isinstance(again, Posted)
    assert isinstance(replies[0], Posted)
    assert again.id == replies[0].id


async def test_another_body_is_refused_in_the_same_batch_in_another_and_in_another_process(
    two: tuple[Node, Node], database: Database
) -> None:
    first, _ = two
    texts = ["one", "two", "one", "three"]
    answers = await asyncio.gather(
        *(first.run(HOST, Say(ref=1, text=text, key="k")) for text in texts), return_exceptions=True
    )
    assert _codes(answers) == ["done", ErrorCode.KEY_REUSED, "done", ErrorCode.KEY_REUSED]
    for process in two:
        late = await asyncio.gather(
            *(process.run(HOST, Say(ref=1, text=text, key="k")) for text in ["two", "one", "three", "one"]),
            return_exceptions=True,
        )
        assert _codes(late) == [ErrorCode.KEY_REUSED, "done", ErrorCode.KEY_REUSED, "done"]
    assert await count(database, "host_message") == 1


@pytest.mark.parametrize("kind", [Say, Comment])
async def test_an_answer_that_cannot_be_read_fails_its_own_caller_alone(
    two: tuple[Node, Node], database: Database, kind: type[Say | Comment]
) -> None:
    process, _ = two
    await process.run(HOST, kind(ref=1, text="one", key="k"))
    async with database.transaction() as tx:
        await tx.execute("""UPDATE idempotency SET answer = '{"t": "of another version"}'""")
    answers = await asyncio.gather(
        *(process.run(HOST, kind(ref=2, text=text, key=key)) for text, key in [("one", "k"), ("two", "l")]),
        return_exceptions=True,
    )
    assert _codes(answers) == [ErrorCode.INTERNAL, "done"]


async def test_keys_of_two_people_or_two_commands_have_nothing_to_do_with_each_other(
    two: tuple[Node, Node], database: Database
) -> None:
    other = actor("bea", Role.OPERATOR)
    await two[0].run(HOST, Say(ref=1, text="x", key="k"))
    await two[0].run(other, Say(ref=1, text="y", key="k"))
    await two[0].run(HOST, Pin(ref=1, message=None, key="k"))
    await two[0].run(HOST, Comment(ref=1, text="z", key="k"))
    assert await count(database, "host_message") == 2
    assert await count(database, "idempotency") == 4


async def test_the_same_key_in_another_room_is_another_command(
    two: tuple[Node, Node], database: Database, settings: Settings
) -> None:
    other_room = await new_room(settings.database_url)
    elsewhere = msgspec.structs.replace(HOST, room_id=other_room)
    first = await two[0].run(HOST, Say(ref=1, text="x", key="k"))
    channel = await two[0].hub.channel(other_room)
    second = await two[0].service.run(elsewhere, Say(ref=1, text="x", key="k"), channel.local)
    assert isinstance(first, Posted)
    assert isinstance(second, Posted)
    assert first.id != second.id
    assert await count(database, "host_message") == 2


async def test_a_refused_command_gives_its_key_back(two: tuple[Node, Node], database: Database) -> None:
    resume = SetShow(ref=1, state=ShowState.WARM_UP, key="k")
    with pytest.raises(Refused) as refused:
        await two[0].run(HOST, resume)
    assert refused.value.code is ErrorCode.ILLEGAL_TRANSITION
    assert await count(database, "idempotency") == 0
    await two[1].run(HOST, SetShow(ref=2, state=ShowState.PAUSED, key="k"))
    assert await count(database, "idempotency") == 1


async def test_a_repeated_comment_is_archived_and_shown_once(two: tuple[Node, Node]) -> None:
    first, _ = two
    await asyncio.gather(*(first.run(actor(), Comment(ref=n, text="again", key="k")) for n in range(5)))
    assert sum(len(message.live) for message in first.published) == 1


async def test_an_invitation_asked_for_again_is_one_link(two: tuple[Node, Node], database: Database) -> None:
    ask = Invite(ref=1, name="Bo", key="k")
    replies = await asyncio.gather(*(two[number % 2].run(HOST, ask) for number in range(10)))
    replies.append(await two[1].run(HOST, ask))
    assert len({reply.ticket for reply in replies if isinstance(reply, Invited)}) == 1
    assert await count(database, "staff_log") == 1
    assert len([key async for key in two[0].bus.redis.scan_iter("ticket:*")]) == 1
    with pytest.raises(Refused, match=ErrorCode.KEY_REUSED):
        await two[0].run(HOST, msgspec.structs.replace(ask, role="moderator"))
    assert await two[0].run(HOST, msgspec.structs.replace(ask, key="l")) not in replies


@pytest.mark.parametrize("delivered", [True, False])
async def test_an_unknown_outcome_is_settled_by_the_same_key(
    database: Database, settings: Settings, seeded: str, folder: Path, delivered: bool
) -> None:
    say = Say(ref=1, text="Hello", key="k")
    async with line_cutter(settings.database_url, folder) as (cutter, url):
        through = await Database.connect(url, settings)
        async with node(through, settings) as process:
            await process.run(HOST, Say(ref=0, text="before"))
            cutter.cut_at, cutter.deliver = b"COMMIT", delivered
            with pytest.raises(OutcomeUnknown):
                await process.run(HOST, say)
            async with asyncio.timeout(10):  # Postgres may be at it still
                while delivered and await count(database, "host_message") == 1:
                    await asyncio.sleep(0.02)
            assert await count(database, "host_message") == (2 if delivered else 1)
            settled = await process.run(HOST, say)
            assert isinstance(settled, Posted)
            assert await process.run(HOST, say) == msgspec.structs.replace(settled, seq=None)
        await through.close()
    async with database.read() as connection:
        ids = await connection.fetch("SELECT message_id FROM host_message ORDER BY message_id")
    assert len(ids) == 2
    assert ids[1]["message_id"] == settled.id


def _codes(answers: list[AnyReply | BaseException]) -> list[str]:
    return [answer.code if isinstance(answer, Refused) else "done" for answer in answers]
