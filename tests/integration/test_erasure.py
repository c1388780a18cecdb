"""Erasure: who is erased is gone from everything, whatever they are called, and what is others' stays to the letter."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

import msgspec
import pytest

from livestream import seed
from livestream.auth import Identity
from livestream.config import Settings
from livestream.protocol import commands as c
from livestream.protocol import draws as d
from livestream.protocol import events as e
from livestream.protocol import groupbuy as g
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.replies import Posted
from livestream.protocol.roles import Role
from livestream.protocol.shop import (
    EraseViewer,
    Exported,
    ExportViewer,
    PutStaff,
    Rehearsal,
    Rehearse,
    ReportPurchase,
    Revoke,
)
from livestream.room import telling
from livestream.room.desk import Actor
from livestream.shop.actions import ShopActor
from livestream.shop.service import ShopService
from livestream.storage.pool import Database
from livestream.tickets import Tickets
from livestream.webhooks import outbox
from tests.support.nodes import HOST_ID, Node, actor, node, until
from tests.support.people import pseudonym_of

HOST, MOD = actor(HOST_ID, Role.HOST), actor("mo", Role.MODERATOR)
BACKEND = ShopActor(seed.SHOP, seed.SHOP, "erp", "p-erp", Role.SERVICE, "Backend")
#: ids and names that are also words, numbers, or parts of both, of the protocol or of others
PEOPLE = (("1001", "an"), ("said", "er"), ("host", "e"), ("t", "ban"), ("muted", "t"), ("1", "1"), ("ann-2", "viewer"))


def known(settings: Settings, viewer_id: str, name: str, role: Role = Role.VIEWER) -> Actor:
    """Somebody as the gateway would know them."""
    who = actor(viewer_id, role)
    return msgspec.structs.replace(who, pseudonym=pseudonym_of(settings, viewer_id), name=name)


def service(process: Node, database: Database, settings: Settings) -> ShopService:
    from tests.integration.test_quotes import service as made

    shops = made(process, database, settings)
    shops._parts = process.parts.parts
    return shops


async def _events(database: Database) -> dict[tuple[str, int], str]:
    """Every event, with whom it is to."""
    async with database.read() as connection:
        return {
            (table, row["seq"]): row["event"]
            for table, to in (("room_log", "''"), ("staff_log", "''"), ("notice", "pseudonym"))
            for row in await connection.fetch(f"SELECT seq, {to} || event::text AS event FROM {table}")
        }


async def _texts(database: Database, mark: str) -> list[str]:
    """Rows of any table in which a mark stands."""
    found = []
    async with database.read() as connection:
        tables = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        for table in tables:
            rows = await connection.fetch(
                f'SELECT t::text AS row FROM "{table["relname"]}" AS t WHERE strpos(t::text, $1) > 0', mark
            )
            found += [f"{table['relname']}: {row['row']}" for row in rows]
    return found


async def test_short_names_and_numbers_take_nothing_of_others_along(
    database: Database, settings: Settings, seeded: str
) -> None:
    async with node(database, settings) as process:
        shops = service(process, database, settings)
        people = [known(settings, viewer_id, name) for viewer_id, name in PEOPLE]
        for number, who in enumerate(people):
            posted = await process.run(who, c.Comment(ref=1, text=f"what a viewer, host {number}"))
            assert isinstance(posted, Posted)
            await process.run(actor("bob"), c.Report(ref=2, comment=posted.id, why="said an untruth"))
            await process.run(HOST, c.Say(ref=3, text="muted? an answer, 1001", answers=posted.id))
            await process.run(MOD, c.Mute(ref=4, who=who.pseudonym, seconds=600, why="an error"))
        for who in people:
            before = await _events(database)
            assert who.viewer_id is not None
            await shops.run(BACKEND, EraseViewer(viewer=who.viewer_id), None)
            after = await _events(database)
            for key, event in before.items():
                if who.pseudonym not in event and after[key] != event:
                    # Only what quotes their comment, and what others said of it.
                    assert json.loads(event)["t"] in ("said", "reported"), (event, after[key])
            assert await _texts(database, who.pseudonym) == []
        channel = await process.hub.channel(seed.ROOM)
        await until(lambda: not channel.stale)
        staff = channel.snapshot(True)
        assert {each.event.command for each in staff.staff if isinstance(each.event, e.Acted)} == {"say", "mute"}
        assert {each.text for each in staff.messages} == {"muted? an answer, 1001"}
    async with node(database, settings, 2) as other:
        assert len((await other.hub.channel(seed.ROOM)).snapshot(True).staff) > 0


async def test_an_event_of_a_newer_version_keeps_no_staff_out(
    database: Database, settings: Settings, seeded: str
) -> None:
    async with node(database, settings) as process:
        await process.run(HOST, c.Say(ref=1, text="Hi"))
        async with database.transaction() as tx:
            await tx.execute('UPDATE staff_log SET event = \'{"t":"from_tomorrow"}\'')
        async with node(database, settings, 2) as other:
            assert (await other.hub.channel(seed.ROOM)).snapshot(True).staff == []


async def test_the_shops_numbers_for_other_things_and_webhooks_about_money_stay(
    database: Database, settings: Settings, seeded: str
) -> None:
    async with node(database, settings) as process:
        shops = service(process, database, settings)
        who = known(settings, "1001", "Ann")
        await process.run(who, c.Comment(ref=1, text="hello"))
        async with database.transaction() as tx:
            await tx.execute(
                "INSERT INTO webhook_endpoint (endpoint_id, shop_id, url, secret)"
                " VALUES ('end_1', 'demo', 'https://a.example/', 'whsec_x')"
            )
            product = e.Product(id="1001", title="Cup", price=1, currency="PLN")
            await telling.tell(tx, seed.ROOM, [e.Featured(product=product)])
            winners = [{"viewer": "w-2"}, {"viewer": "1001", "prize": 1}]
            await outbox.emit(tx, seed.SHOP, [
                ("draw.drawn", {"winners": winners}),
                ("draw.claimed", {"viewer": "1001", "form": {"name": "Ann Example"}}),
                ("refund.confirmed", e.RefundRequest(id="6h0h6cwr00000", purchase="1001", amount=5, currency="PLN",
                                                     state=e.RefundState.CONFIRMED, asked_by="Ada")),
            ])  # fmt: skip
        await shops.run(BACKEND, EraseViewer(viewer="1001"), None)
        async with database.read() as connection:
            sent = await connection.fetch("SELECT body->>'data' AS data FROM webhook_message ORDER BY type")
            assert await connection.fetchval("SELECT count(*) FROM webhook_delivery WHERE state = 'pending'") == 3
        claimed, drawn, refund = (json.loads(row["data"]) for row in sent)
        assert drawn == {"winners": [{"viewer": "w-2"}, {"viewer": None, "prize": 1}]}
        assert claimed == {"viewer": None, "form": None}
        assert refund["purchase"] == "1001"
        channel = await process.hub.channel(seed.ROOM)
        await until(lambda: not channel.stale)
        assert channel.state.featured == product


async def test_tickets_of_others_stay_and_those_of_the_persons_guests_go(
    database: Database, settings: Settings, seeded: str
) -> None:
    async with node(database, settings) as process:
        tickets = Tickets(process.bus.redis)
        who = pseudonym_of(settings, "1001")
        quoted = Identity(seed.SHOP, 'a"\\1', Role.VIEWER, None, None, None)
        others = [Identity("other", "1001", Role.HOST, "B", None, None), Identity(seed.SHOP, "bob-10011", Role.HOST,
                  "1001", None, None)]  # fmt: skip
        theirs = [Identity(seed.SHOP, "1001", Role.VIEWER, None, None, None), Identity(seed.SHOP, "guest-x", Role.HOST,
                  "G", None, None, behind=(f"who:{who}",)), quoted]  # fmt: skip
        codes = [await tickets.issue(each, 600) for each in (*others, *theirs)]
        shops = service(process, database, settings)
        for viewer in ("1001", 'a"\\1'):
            await shops.run(BACKEND, EraseViewer(viewer=viewer), None)
        assert [(await tickets.look(code, 2)).shop_id for code in codes[:2]] == ["other", seed.SHOP]
        for code in codes[2:]:
            with pytest.raises(Refused):
                await tickets.look(code, 2)


async def test_staff_winners_and_members_of_teams_go_by_name_everywhere(
    database: Database, settings: Settings, seeded: str
) -> None:
    """What a host said, decided and asked stays; their name, and what was written of a winner and a member, goes."""
    async with node(database, settings) as process:
        shops = service(process, database, settings)
        bo = known(settings, "bo-1", "Bonifacy", Role.HOST)
        namesake = known(settings, "bo-2", "Bonifacy", Role.HOST)
        await shops.run(BACKEND, PutStaff(viewer="bo-1", name="Bonifacy", role="host"), None)
        await process.run(actor("eve"), c.Comment(ref=1, text="good evening"))
        for host in (namesake, bo):
            await process.run(host, c.Say(ref=2, text="Welcome", pin=True))
        await process.run(HOST, c.HandOver(ref=3, to=bo.pseudonym))
        await process.run(bo, c.Mute(ref=4, who="p-eve", seconds=600, why="loud"))
        await shops.run(BACKEND, ReportPurchase(purchase="A-1", viewer="bo-1", amount=900_000, currency="PLN"), None)
        asker = msgspec.structs.replace(bo, role=Role.OPERATOR)
        await process.run(asker, c.Refund(ref=5, purchase="A-1", why="Bonifacy fell ill", key="k"))
        await _won_and_joined(database, bo.pseudonym, "bo-1")
        told = await shops.run(BACKEND, ExportViewer(viewer="bo-1"), None)
        assert isinstance(told, Exported)
        assert [each["event"]["text"] for each in told.messages] == ["Welcome"]
        await shops.run(BACKEND, EraseViewer(viewer="bo-1"), None)
        assert await _texts(database, bo.pseudonym) == []
        left = [each for each in await _texts(database, "Bonifacy") if namesake.pseudonym not in each]
        # His namesake's: what that one did, and a seat beside Zoe's.
        assert all('""who"":""bo-2""' in each or each.startswith("notice: (demo,4,p-zoe") for each in left), left
        channel = await process.hub.channel(seed.ROOM)
        await until(lambda: not channel.stale)
        shown = channel.snapshot(True)
        assert [(each.name, each.text) for each in shown.messages] == [("Bonifacy", "Welcome"), ("", "Welcome")]
        assert (shown.pinned and shown.pinned.name, shown.presenter) == ("", "")
        assert shown.desk is not None
        assert [(each.who, each.by) for each in shown.desk.sanctions] == [("p-eve", "")]
        assert [(each.purchase, each.asked_by, each.why) for each in shown.desk.refunds] == [("A-1", "", "")]
    async with database.read() as connection:
        notices = await connection.fetch("SELECT event->'own'->'team'->>'names' AS names FROM notice ORDER BY seq")
        assert json.loads(notices[-1]["names"]) == ["Zoe", "Bonifacy"]
        drawn = await connection.fetchval("SELECT event->>'winners' FROM room_log WHERE event->>'t' = 'draw_drawn'")
        assert [each["name"] for each in json.loads(drawn)] == ["", "Z•••"]


async def _won_and_joined(database: Database, who: str, viewer_id: str) -> None:
    """A draw that they won, and a team that somebody of the same name is in."""
    draw_id, theirs, others = "0a" * 16, "0b" * 16, "0c" * 16
    winners = [d.DrawWinner(prize=0, place=0, entry=theirs, name="B•••"), d.DrawWinner(prize=1, place=1, entry=others,
               name="Z•••")]  # fmt: skip
    body = d.Draw(id=draw_id, title="T", state=d.DrawState.DRAWN, prizes=[], entry=d.EntryKind.CLICK,
                  beacon=d.BeaconKind.RECORDED, winners=winners)  # fmt: skip
    team = g.TeamView(id="6h0h6jxng0600", deal="6h0h6cwr00000", state=g.TeamState.FORMING, size=3, deadline=1,
                      names=["Bonifacy", "Zoe", "Bonifacy"])  # fmt: skip
    own = g.OwnSeat(seat="6h0h6cwr00001", at=1, team=team, state=g.SeatState.HELD, amount=1)
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO draw (draw_id, room_id, shop_id, state, plan, body, salt, secret, rules, rules_hash,"
            " opened_at, closed_at, round, root, rooted_at, drawn_at)"
            " VALUES ($1, $2, $3, 'drawn', '{}', $4::text::json, sha256('a'), sha256('b'), 'r', 'h',"
            " now(), now(), 1, sha256('c'), now(), now())",
            draw_id, seed.ROOM, seed.SHOP, msgspec.json.encode(body).decode(),
        )  # fmt: skip
        for place, (entry, pseudonym, viewer) in enumerate(((theirs, who, viewer_id), (others, "p-zoe", "zoe"))):
            await tx.execute(
                "INSERT INTO draw_entry (draw_id, entry_id, weight, promised, at, pseudonym, viewer_id, name)"
                " VALUES ($1, decode($2, 'hex'), 1, 1, now(), $3, $4, $3)", draw_id, entry, pseudonym, viewer,
            )  # fmt: skip
            await tx.execute(
                "INSERT INTO draw_pick (draw_id, place, entry_id, prize, given_at, claim_until)"
                " VALUES ($1, $2, decode($3, 'hex'), $2, now(), now())", draw_id, place, entry,
            )  # fmt: skip
        await tx.execute(
            "INSERT INTO deal (deal_id, room_id, shop_id, product_id, title, state, currency, exponent, tax_included,"
            " single_price, units, stock, version) VALUES ('6h0h6cwr00000', $1, $2, 'p', 'T', 'open', 'PLN', 2, true,"
            " 1, 1, 1, 1)", seed.ROOM, seed.SHOP,
        )  # fmt: skip
        for number, (viewer, name) in enumerate(((who, "Bonifacy"), ("p-zoe", "Zoe"))):
            await tx.execute(
                "INSERT INTO seat (seat_id, team_id, deal_id, viewer, name, number, state, hold_ms, hold_at)"
                " VALUES ($1, '6h0h6jxng0600', '6h0h6cwr00000', $2, $3, $4, 'held', 0, now())",
                f"6h0h6cwr0000{number + 1}", viewer, name, number,
            )  # fmt: skip
        drawn = d.DrawDrawn(draw=draw_id, value="0f" * 32, seed="0f" * 32, winners=winners, claim_until=1)
        log: Sequence[e.LogEvent] = [d.DrawAnnounced(draw=body), drawn]
        await telling.tell(tx, seed.ROOM, log, [], [(who, g.YourTeam(own=own)), ("p-zoe", g.YourTeam(own=own))])


async def test_a_rehearsal_erases_nobody_and_ends_no_token(database: Database, settings: Settings, seeded: str) -> None:
    async with node(database, settings) as process:
        shops = service(process, database, settings)
        ann = known(settings, "ann", "Ann")
        await process.run(ann, c.Comment(ref=1, text="hello"))
        made = await shops.run(BACKEND, Rehearse(room=seed.ROOM), None)
        assert isinstance(made, Rehearsal)
        there = dataclasses.replace(BACKEND, shop_id=made.shop)
        before = await _texts(database, ann.pseudonym)
        for command in (EraseViewer(viewer="ann"), Revoke(viewer="ann")):
            with pytest.raises(Refused, match=ErrorCode.REHEARSAL):
                await shops.run(there, command, "k")
        assert before == await _texts(database, ann.pseudonym) != []
        await shops.run(BACKEND, EraseViewer(viewer="ann"), None)
        assert await _texts(database, ann.pseudonym) == []


async def test_every_room_that_tells_of_a_person_is_loaded_anew(
    database: Database, settings: Settings, seeded: str
) -> None:
    """Somebody who only ever got a notice, too."""
    who = pseudonym_of(settings, "quiet")
    async with node(database, settings) as process:
        channel = await process.hub.channel(seed.ROOM)
        async with database.transaction() as tx:
            told = await telling.tell(tx, seed.ROOM, notices=[(who, e.YouBought())])
        channel.receive_notices(told.notices)
        assert channel.notices_since(0, who)
        await service(process, database, settings).run(BACKEND, EraseViewer(viewer="quiet"), None)
        await until(lambda: not channel.stale and not channel.notices_since(0, who))
