"""Refusals: tables of what commands of a part may be refused with, tried on real stores, where nothing may change.

A scene brings about what a refusal needs, and returns names for what it made;
in a case's fields and for `who`, "$name" stands for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from livestream.parts import Part
from livestream.protocol.commands import Command
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.replies import AnyReply
from livestream.room.desk import Actor
from livestream.storage.pool import Database

from .nodes import actor

Names = Mapping[str, Any]
_Stage = TypeVar("_Stage")
_KEPT = {"draw_refusal"}  #: who was not let into a draw is written down: see `lottery.refusals`


class Case(NamedTuple, Generic[_Stage]):
    """One way to be refused."""

    scene: Callable[[_Stage], Awaitable[Names]]
    who: Actor | str
    command: type[Command]
    fields: Mapping[str, Any]
    code: ErrorCode


def tag(command: type[Command]) -> str:
    return str(command.__struct_config__.tag)


def declared(part: Part) -> set[tuple[str, ErrorCode]]:
    """Every error of every command of a part, as the protocol has it."""
    return {(tag(command), code) for command in part.commands for code in command.errors}


def covered(cases: Iterable[Case[Any]]) -> set[tuple[str, ErrorCode]]:
    return {(tag(case.command), case.code) for case in cases}


async def try_all(
    database: Database,
    stage: _Stage,
    cases: Sequence[Case[_Stage]],
    run: Callable[[Actor, Command], Awaitable[AnyReply]],
    clear: Callable[[], Awaitable[None]],
) -> list[tuple[str, Command, ErrorCode | AnyReply, list[str]]]:
    """Try every case; each scene is set once, and cleared when its cases were tried.

    Returns: those whose answer was another, or which changed a row: scene, command, answer, tables that changed.
    """
    wrong = []
    for scene in dict.fromkeys(case.scene for case in cases):
        names = await scene(stage)
        before = await rows(database)
        for case in (case for case in cases if case.scene is scene):
            who, command = asked(case, names)
            answered, after = await answer(run(who, command)), await rows(database)
            changed = sorted(table for table in after if after[table] != before[table])
            if answered != case.code or changed:
                wrong.append((scene.__name__, command, answered, changed))
            before = after
        await clear()
    return wrong


def asked(case: Case[Any], names: Names) -> tuple[Actor, Command]:
    """Who asks for what."""
    who = _named(case.who, names)
    fields = {name: _named(value, names) for name, value in case.fields.items()}
    return actor(who) if isinstance(who, str) else who, case.command(ref=1, **fields)


async def answer(asking: Awaitable[AnyReply]) -> ErrorCode | AnyReply:
    try:
        return await asking
    except Refused as refused:
        return refused.code


async def rows(database: Database) -> dict[str, str]:
    """A digest of all rows of each table: a refusal leaves every one as it was, not only their number."""
    async with database.read() as connection:
        tables = await connection.fetch("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
        each = (
            f"SELECT '{table['name']}' AS name, md5(string_agg(t::text, '|' ORDER BY t::text)) AS digest"
            f" FROM {table['name']} t"
            for table in tables
            if table["name"] not in _KEPT
        )
        found = await connection.fetch(" UNION ALL ".join(each))
    return {row["name"]: row["digest"] for row in found}


def _named(value: Any, names: Names) -> Any:
    return names[value[1:]] if isinstance(value, str) and value.startswith("$") else value
