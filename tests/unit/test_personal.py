"""Personal: every text on the wire is somebody's or nobody's, said once; who is taken out takes nobody along."""

from __future__ import annotations

import typing
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect as mi

from livestream.protocol import events as e
from livestream.protocol.personal import Mark, Person, Tells, declared, without
from livestream.protocol.roles import Role
from livestream.protocol.state import RoomState, StaffState
from livestream.room.erasure import erase
from livestream.webhooks import erasure as webhooks

#: texts that are the shop's, or ours: of no viewer and of nobody of the staff
NOBODYS = {
    "Acted": {"command"},
    "Clock": {"title"},
    "Deal": {"title", "why", "reference"},
    "DealClosed": {"why"},
    "Draw": {
        "title",
        "password",
        "rules",
        "rules_hash",
        "parties",
        "root",
        "value",
        "seed",
        "why",
    },  # names of co-hosts stand in rules, which are signed
    "DrawCancelled": {"why"},
    "Freezing": {"message", "video_url"},
    "HostMessage": {"text", "answered_name", "answered_text"},  # the last two go with the comment, by `room.redaction`
    "OwnSeat": {"why"},
    "Picture": {"alt"},
    "PrizeTier": {"name", "tier"},
    "Product": {"title", "url", "ar_model"},
    "ProductVariant": {"title"},
    "RoomChanged": {"title"},
    "RoomState": {"title", "room", "deleted"},
    "Show": {"title", "time_zone"},
    "TeamWaived": {"why"},
    "YouWereMuted": {"why"},  # a notice goes as a whole with whom it is to
    "YouWon": {"title", "prize_title"},
    "YourPrizeClaimed": {"title", "prize_title"},
    "YourPrizeWentOn": {"title", "prize_title"},
}


def _structs(kind: object, seen: dict[type, None]) -> None:
    for each in typing.get_args(kind) or [kind]:
        if isinstance(each, type) and issubclass(each, msgspec.Struct) and each not in seen:
            seen[each] = None
            for hint in typing.get_type_hints(each).values():
                _structs(hint, seen)
        elif typing.get_args(each):
            _structs(each, seen)


def written() -> list[type[msgspec.Struct]]:
    """Every struct that stands in a log, a notice or a room's row."""
    seen: dict[type, None] = {}
    for kind in (e.LogEvent, e.StaffEvent, e.NoticeEvent, RoomState, StaffState):
        _structs(kind, seen)
    return list(seen)


def _free(kind: mi.Type) -> bool:
    """May hold any words: not an id, a number, or one of a few."""
    if isinstance(kind, mi.Metadata):
        return _free(kind.type)
    if isinstance(kind, mi.UnionType):
        return any(_free(each) for each in kind.types)
    if isinstance(kind, mi.ListType | mi.VarTupleType):
        return _free(kind.item_type)
    if isinstance(kind, mi.DictType):
        return True
    return isinstance(kind, mi.StrType) and (
        kind.pattern is None or r"^[^\x00]*$" in kind.pattern or "(?=" in kind.pattern
    )


@pytest.mark.parametrize("struct", written(), ids=lambda struct: struct.__name__)
def test_every_text_is_somebodys_or_nobodys(struct: type[msgspec.Struct]) -> None:
    info = mi.type_info(struct)
    assert isinstance(info, mi.StructType)
    texts = {field.name for field in info.fields if _free(field.type)}
    said = {name for tells in declared(struct) for name in (tells.by, *tells.fields)}
    assert said <= set(struct.__struct_fields__)
    assert texts - said == NOBODYS.get(struct.__name__, set()), "say it in `personal`, or here that it is nobody's"


WHO, OTHER = "3vavcdxybr7f3", "6h0h6jxng0600"
ENTRY, TEAM = "a5" * 16, "6h0h6cwr00000"


def _person(viewer_id: str, name: str) -> Person:
    return Person(WHO, viewer_id, purchases=["A-1"], entries=[ENTRY], draws=["01" * 16], teams={TEAM: name})


def _filled(struct: type[msgspec.Struct], tells: Tells, mark: str) -> dict[str, Any]:
    """Fields of a struct of which one mark tells."""
    values: dict[str, Any] = {each.name: "kept" for each in msgspec.structs.fields(struct) if each.required}
    values |= dict.fromkeys(tells.fields, "theirs")
    values[tells.by] = [mark, OTHER] if tells.by == "about" else mark
    return values


_ALL = [(struct, tells) for struct in written() for tells in declared(struct)]
_MARKS = {Mark.PSEUDONYM: WHO, Mark.VIEWER: "1001", Mark.PURCHASE: "A-1", Mark.ENTRY: ENTRY, Mark.TEAM: TEAM}


@pytest.mark.parametrize(("struct", "tells"), _ALL, ids=lambda each: getattr(each, "__name__", ""))
def test_what_is_declared_goes_and_with_it_nothing_of_others(struct: type[msgspec.Struct], tells: Tells) -> None:
    person = _person("1001", "theirs")
    if tells.mark is Mark.TEAM:
        value = struct(**{**_filled(struct, tells, TEAM), "names": ["theirs", "kept", "theirs"]})
        assert without(value, person).names == ["kept", "theirs"]  # type: ignore[attr-defined]
        return
    value = struct(**_filled(struct, tells, _MARKS[tells.mark]))
    left = msgspec.structs.asdict(without(value, person))
    assert all(left[name] in ("", None) for name in tells.fields)
    if tells.mark in (Mark.PSEUDONYM, Mark.VIEWER):
        assert left[tells.by] == ([OTHER] if tells.by == "about" else "")
    others = struct(**_filled(struct, tells, OTHER))
    assert without(others, person) is others


_IDS = st.sampled_from(["1001", "said", "host", "an", "acted", "t", "kept", "", "A-1"])
_NAMES = st.sampled_from(["an", "er", "e", "ban", "t", "viewer", "1", "muted", "host", ""])
_EVENTS = st.builds(
    lambda who, name, mark: e.Acted(who=who, name=name, role=Role.HOST, command="ban", what=f"banned {name}",
                                    undo={"t": "unban", "who": mark}, about=[mark]),
    _IDS, _NAMES, st.sampled_from([WHO, OTHER]),
)  # fmt: skip


@given(_IDS, _NAMES, _EVENTS)
def test_short_names_and_numbers_are_nobody_elses_words(viewer_id: str, name: str, event: e.Acted) -> None:
    text = msgspec.json.encode(event).decode()
    left = erase(text, "staff_log", _person(viewer_id, name))
    after = msgspec.json.decode(left, type=e.StaffEvent)
    assert isinstance(after, e.Acted)
    assert (after.command, after.role) == (event.command, event.role)
    if event.who != viewer_id:
        assert (after.who, after.name) == (event.who, event.name)
    if event.about == [OTHER]:
        assert (after.what, after.undo, after.about) == (event.what, event.undo, event.about)
    assert WHO not in left


def test_an_event_that_cannot_be_read_is_emptied_if_they_are_in_it_and_left_if_not() -> None:
    person = _person("1001", "an")
    newer = f'{{"t":"from_tomorrow","who":"{WHO}","name":"an"}}'
    assert erase(newer, "staff_log", person) == '{"t":"erased"}'
    assert erase(newer, "room_log", person) == '{"t":"deleted","comments":[]}'
    others = '{"t":"from_tomorrow","who":"1001"}'
    assert erase(others, "staff_log", person) == others


def test_a_webhook_keeps_all_but_the_person() -> None:
    person = _person("1001", "an")
    winners = '[{"viewer":"w"},{"viewer":"1001","prize":1}]'
    drawn = f'{{"type":"draw.drawn","timestamp":"t","data":{{"draw":"1001","winners":{winners}}}}}'
    assert webhooks.erase(drawn, person) == drawn.replace('"viewer":"1001"', '"viewer":null')
    claimed = '{"type":"draw.claimed","timestamp":"t","data":{"viewer":"1001","form":{"name":"An"},"prize":0}}'
    assert webhooks.erase(claimed, person) == claimed.replace('"1001"', "null").replace('{"name":"An"}', "null")
    refund = '{"type":"refund.confirmed","timestamp":"t","data":{"id":"6h0h6cwr00000","purchase":"1001","amount":5,'
    refund += '"currency":"PLN","why":"broken","state":"confirmed","asked_by":"Ada"}}'
    assert webhooks.erase(refund, person) == refund
