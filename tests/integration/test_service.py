"""The room's commands over a websocket: what each does, and every error that it declares."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest
import redis.asyncio

from groupbuy.part import PART as GROUP_BUYS
from livestream.config import Settings
from livestream.protocol.commands import COMMANDS
from livestream.protocol.errors import ErrorCode
from livestream.protocol.roles import Role
from livestream.room import deskwork
from lottery.part import PART as DRAWS
from tests.support.gateways import Gateways
from tests.support.people import People
from tests.support.wsclient import WsClient, joined

GHOST = "0000000000000"


class Cast:
    """A host and a viewer in the room."""

    def __init__(self, host: WsClient, viewer: WsClient) -> None:
        self.host = host
        self.viewer = viewer


@pytest.fixture
async def cast(gateway: Gateways, people: People) -> AsyncIterator[Cast]:
    async with (
        joined(gateway.ws_url, token=people.token("ada", Role.HOST, name="Ada")) as host,
        joined(gateway.ws_url, token=people.token("ann", name="Ann")) as viewer,
    ):
        yield Cast(host, viewer)


async def sql(settings: Settings, statement: str, *arguments: object) -> Any:
    connection = await asyncpg.connect(settings.database_url)
    try:
        return await connection.fetchval(statement, *arguments)
    finally:
        await connection.close()


async def test_say_reaches_everyone_numbered_and_is_in_postgres_when_it_is_answered(
    cast: Cast, settings: Settings
) -> None:
    top = cast.viewer.state["seq"]
    reply = await cast.host.ask("say", text="Hello")
    assert reply["t"] == "posted"
    assert reply["seq"] == top + 1
    assert await sql(settings, "SELECT count(*) FROM host_message WHERE message_id = $1", reply["id"]) == 1
    for client in (cast.host, cast.viewer):
        await client.until(lambda client=client: client.state["seq"] == top + 1)  # type: ignore[misc]
        message = client.state["messages"][-1]
        assert (message["id"], message["name"], message["text"]) == (reply["id"], "Ada", "Hello")


async def test_pin_and_unpin(cast: Cast) -> None:
    said = await cast.host.ask("say", text="Look", pin=True)
    await cast.viewer.until(lambda: cast.viewer.state["pinned"] is not None)
    assert cast.viewer.state["pinned"]["id"] == said["id"]
    assert cast.viewer.state["seq"] == said["seq"] + 1
    other = await cast.host.ask("say", text="Better")
    pinned = await cast.host.ask("pin", message=other["id"])
    assert pinned["t"] == "ok"
    await cast.viewer.until(lambda: cast.viewer.state["seq"] == pinned["seq"])
    assert cast.viewer.state["pinned"]["text"] == "Better"
    taken = await cast.host.ask("pin", message=None)
    await cast.viewer.until(lambda: cast.viewer.state["seq"] == taken["seq"])
    assert cast.viewer.state["pinned"] is None


async def test_a_show_goes_through_its_life_and_the_next_is_scheduled(cast: Cast) -> None:
    for state in ("paused", "live", "ended"):
        reply = await cast.host.ask("set_show", state=state)
        assert reply["t"] == "ok"
        await cast.viewer.until(lambda reply=reply: cast.viewer.state["seq"] == reply["seq"])  # type: ignore[misc]
        assert cast.viewer.state["show"]["state"] == state
    reply = await cast.host.ask("schedule", title="Hats", starts_at=1_900_000_000_000)
    await cast.viewer.until(lambda: cast.viewer.state["seq"] == reply["seq"])
    assert cast.viewer.state["show"] == {
        "id": reply["id"],
        "title": "Hats",
        "state": "scheduled",
        "starts_at": 1_900_000_000_000,
        "time_zone": "UTC",
    }


async def test_a_comment_is_archived_and_shown_with_a_pseudonym(cast: Cast, settings: Settings) -> None:
    reply = await cast.viewer.ask("comment", text="which sizes?")
    assert reply["t"] == "posted"
    row = await sql(
        settings,
        "SELECT fate || ' ' || viewer_id FROM comment JOIN person USING (pseudonym) WHERE comment_id = $1",
        reply["id"],
    )
    assert row == "shown ann"
    await cast.host.until(lambda: _comments(cast.host) != [])
    (comment,) = _comments(cast.host)
    assert comment == {
        "t": "comment",
        "id": reply["id"],
        "by": cast.viewer.joined["me"]["id"],
        "name": "Ann",
        "text": "which sizes?",
    }
    assert "ann" not in str(comment["by"])


async def test_likes_add_up_and_reach_everyone_as_a_gauge(cast: Cast, settings: Settings) -> None:
    for count in (1, 50, 9):
        assert (await cast.viewer.ask("like", count=count))["t"] == "ok"
    assert await sql(settings, "SELECT likes FROM show") == 60
    await cast.host.until(lambda: cast.host.state["values"].get("likes") == 60)


async def test_staff_see_who_did_what_and_viewers_do_not(cast: Cast) -> None:
    await cast.host.ask("say", text="Hello")
    await cast.host.ask("set_show", state="paused")
    await cast.host.until(lambda: cast.host.state["staff_seq"] == 2)
    told = [(item["event"]["who"], item["event"]["command"]) for item in cast.host.of("staff")]
    assert told == [("ada", "say"), ("ada", "set_show")]
    await cast.viewer.until(lambda: cast.viewer.state["show"]["state"] == "paused")
    assert cast.viewer.of("staff") == []
    assert cast.viewer.state["staff_seq"] == 0


async def _ended(cast: Cast) -> None:
    await cast.host.ask("set_show", state="ended")


async def _used_key(cast: Cast) -> None:
    await cast.host.ask("say", text="first", key="k")
    await cast.host.ask("pin", message=None, key="k")
    await cast.host.ask("set_show", state="paused", key="k")
    await cast.host.ask("set_show", state="ended")
    await cast.host.ask("schedule", title="first", starts_at=0, key="k")
    await cast.host.ask("set_show", state="warm_up")
    await cast.host.ask("comment", text="first", key="k")
    await cast.host.ask("invite", name="first", key="k")


async def _nothing(cast: Cast) -> None:
    pass


Before = Callable[[Cast], Any]
E = ErrorCode
OF_THE_HOST: list[tuple[Before, str, dict[str, object], ErrorCode]] = [
    (_nothing, "join", {"room": "demo"}, E.ALREADY_JOINED),
    (_ended, "comment", {"text": "x"}, E.COMMENTS_CLOSED),
    (_used_key, "comment", {"text": "x", "key": "k"}, E.KEY_REUSED),
    (_ended, "like", {}, E.COMMENTS_CLOSED),
    (_nothing, "say", {"text": "x", "answers": GHOST}, E.COMMENT_NOT_FOUND),
    (_used_key, "say", {"text": "x", "key": "k"}, E.KEY_REUSED),
    (_nothing, "pin", {"message": GHOST}, E.MESSAGE_NOT_FOUND),
    (_used_key, "pin", {"message": GHOST, "key": "k"}, E.KEY_REUSED),
    (_nothing, "schedule", {"title": "x", "starts_at": 0}, E.SHOW_OPEN),
    (_used_key, "schedule", {"title": "x", "starts_at": 0, "key": "k"}, E.KEY_REUSED),
    (_ended, "set_show", {"state": "live"}, E.ILLEGAL_TRANSITION),
    (_used_key, "set_show", {"state": "live", "key": "k"}, E.KEY_REUSED),
    (_used_key, "invite", {"name": "Bo", "key": "k"}, E.KEY_REUSED),
]
#: commands whose every refusal by the desk is tried without stores, in tests/unit/test_desk.py
BY_THE_DESK = {command.__struct_config__.tag for command in deskwork.COMMANDS} - {"say", "pin", "schedule", "set_show"}
#: those that parts bring have tables of their own, in test_groupbuy_refusals.py and test_draw_refusals.py
BY_PARTS = {command.__struct_config__.tag for part in (GROUP_BUYS, DRAWS) for command in part.commands}
ELSEWHERE = {
    ("join", E.ROOM_NOT_FOUND), ("join", E.TOKEN_INVALID), ("join", E.TOKEN_EXPIRED), ("join", E.TICKET_INVALID),
    ("join", E.BANNED), ("join", E.NAME_REFUSED), ("comment", E.SIGN_IN_REQUIRED), ("comment", E.NAME_REQUIRED),
    ("comment", E.MUTED), ("comment", E.BUYERS_ONLY), ("comment", E.SLOW_MODE), ("comment", E.LINK_REFUSED),
    ("comment", E.TEXT_REFUSED), ("set_show", E.NO_SHOW), ("block", E.PERSON_NOT_FOUND), ("block", E.TOO_MANY),
    ("invite", E.NAME_REFUSED),
}  # fmt: skip


async def test_every_declared_error_of_a_command_is_answered_and_changes_nothing(
    cast: Cast, settings: Settings
) -> None:
    for before in (_nothing, _used_key, _ended):
        await before(cast)
        for needs, kind, fields, code in OF_THE_HOST:
            if needs is before:
                seq = await sql(settings, "SELECT seq FROM room_head")
                reply = await cast.host.ask(kind, **fields)
                assert (reply["t"], reply.get("code")) == ("error", code), (kind, fields, reply)
                assert await sql(settings, "SELECT seq FROM room_head") == seq


def test_the_tables_cover_every_error_that_the_protocol_declares() -> None:
    declared = {
        (tag, code)
        for command in COMMANDS
        for code in command.errors
        if (tag := command.__struct_config__.tag) not in BY_THE_DESK | BY_PARTS
    }
    assert declared == {(kind, code) for _, kind, _, code in OF_THE_HOST} | ELSEWHERE


async def test_without_any_show_there_is_none_to_set(cast: Cast, settings: Settings) -> None:
    await sql(settings, "UPDATE room SET state = (state::jsonb - 'show')::json")
    assert (await cast.host.ask("set_show", state="live"))["code"] == E.NO_SHOW


@pytest.mark.parametrize(("room_allows", "name", "code"), [
    (True, None, E.NAME_REQUIRED),
    (True, "Guest", None),
    (False, "Guest", E.SIGN_IN_REQUIRED),
])  # fmt: skip
async def test_anonymous_viewers_comment_where_the_room_allows_it_and_under_a_name(
    start_gateway: Callable[..., Gateways],
    settings: Settings,
    seeded: str,
    room_allows: bool,
    name: str | None,
    code: ErrorCode | None,
) -> None:
    allowed = str(room_allows).lower()
    await sql(
        settings,
        f"""UPDATE room SET state = jsonb_set(state::jsonb, '{{chat}}', '{{"anonymous": {allowed}}}')::json,
                           policy = '{{"chat": {{"anonymous": {allowed}}}}}'""",
    )
    fields = {} if name is None else {"name": name}
    async with joined(start_gateway().ws_url, **fields) as guest:
        assert (await guest.ask("comment", text="hi")).get("code") == code
        assert (await guest.ask("like")).get("code") is None
        assert (await guest.ask("seen", notice=1))["code"] == E.FORBIDDEN


async def test_a_comment_is_as_long_as_the_room_allows(cast: Cast) -> None:
    assert (await cast.viewer.ask("comment", text="x" * 200))["t"] == "posted"
    refused = await cast.viewer.ask("comment", text="x" * 201)
    assert refused["code"] == E.INVALID
    assert "200" in refused["text"]
    assert (await cast.host.ask("comment", text="x" * 500))["t"] == "posted"


async def test_a_dozen_gateways_do_not_help_a_viewer_to_talk_more(
    start_gateway: Callable[..., Gateways], people: People, redis_url: str
) -> None:
    """The limit of a viewer holds over all processes and connections."""
    gateway = start_gateway(count=2, comment_rate_burst=5, comment_rate_per_s=0.05)
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(joined(gateway.ws_url, token=people.token("ann"))) for _ in range(5)]
        answers = [await client.ask("comment", text=f"{n}") for n in range(4) for client in clients]
        posted = sum(answer["t"] == "posted" for answer in answers)
        assert {answer.get("code") for answer in answers} == {None, E.RATE_LIMITED}
        # The window's count is shared; it may turn once meanwhile.
        assert 6 <= posted <= 12
        client = redis.asyncio.Redis.from_url(redis_url)
        assert await client.keys("{demo}:comments:*")
        await client.aclose()


def _comments(client: WsClient) -> list[dict[str, Any]]:
    return [event for live in client.of("live") for event in live.get("events", []) if event["t"] == "comment"]
