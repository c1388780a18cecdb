"""Generated files: they follow from the structs, they are up to date, and nothing of the wire is missing in them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from livestream.protocol import generate, limits
from livestream.protocol.codec import Codec
from livestream.protocol.commands import COMMANDS
from livestream.protocol.errors import CLOSES, ERRORS
from livestream.protocol.http import OPERATIONS, Operation
from livestream.protocol.limits import RATES
from livestream.protocol.meanings import beside, meaning
from livestream.protocol.model import fields, messages, structs, tag
from livestream.protocol.replies import Joined, Posted
from livestream.protocol.roles import Role

ROOT = Path(__file__).parents[2]
TYPES = (ROOT / "gateway/web/sdk/src/protocol.ts").read_text("utf-8")
PAGE = (ROOT / "docs/protocol.md").read_text("utf-8")
SCHEMA: dict[str, Any] = json.loads((ROOT / "livestream/protocol/schema.json").read_text("utf-8"))
LIMITS = [name for name, value in vars(limits).items() if name.isupper() and isinstance(value, int)]


def test_generated_files_are_up_to_date() -> None:
    assert generate.stale() == []


def test_a_changed_file_is_out_of_date_until_it_is_generated_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "_ROOT", tmp_path)
    assert generate.main(["--check"]) == 1
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    path = next(iter(generate.FILES))
    (tmp_path / path).write_text("by hand", "utf-8")
    capsys.readouterr()
    assert generate.main(["--check"]) == 1
    assert f"out of date: {path};" in capsys.readouterr().err
    assert (tmp_path / path).read_text("utf-8") == "by hand", "a check writes nothing"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_the_one_line_of_every_operation_is_a_whole_sentence(operation: Operation) -> None:
    assert operation.text.endswith(".")


def test_the_served_page_is_the_documented_one() -> None:
    assert (ROOT / "livestream/protocol/reference.md").read_text("utf-8") == PAGE


@pytest.mark.parametrize("struct", structs(), ids=lambda struct: struct.__name__)
def test_every_struct_has_an_interface_with_all_its_fields(struct: Any) -> None:
    found = re.search(rf"^export interface {struct.__name__} {{\n(.*?)^}}", TYPES, re.MULTILINE | re.DOTALL)
    assert found, "no interface"
    written = dict(re.findall(r"^  (\w+)(\??): ", found[1], re.MULTILINE))
    expected = {field.name: "" if field.required else "?" for field in fields(struct)}
    assert written == ({"t": ""} if tag(struct) else {}) | expected


def test_codes_limits_and_rates_are_constants_of_the_sdk() -> None:
    for code, error in ERRORS.items():
        assert f"  {code}: {{ text: {json.dumps(error.text)}, temporary: {json.dumps(error.temporary)} }}," in TYPES
    for close, info in CLOSES.items():
        line = next(line for line in TYPES.splitlines() if line.startswith(f"  {int(close)}: "))
        assert f"reconnect: {json.dumps(info.reconnect)}, fresh_token: {json.dumps(info.fresh_token)} }}" in line
    for kind, rate in RATES.items():
        assert f"  {kind}: {{ burst: {rate.burst}, " in TYPES
    for name in LIMITS:
        assert f"  {name}: {getattr(limits, name)}," in TYPES
    for codec in Codec:
        assert json.dumps(codec.value) in TYPES


def references(part: Any) -> set[str]:
    """Every `$ref` in a piece of the schema."""
    if isinstance(part, dict):
        own = {part["$ref"]} if "$ref" in part else set()
        return own.union(*(references(value) for value in part.values()))
    return set().union(*(references(item) for item in part)) if isinstance(part, list) else set()


def test_the_schema_defines_what_it_refers_to_and_every_struct() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert {f"#/$defs/{name}" for name in SCHEMA["$defs"]} >= references(SCHEMA)
    assert set(SCHEMA["$defs"]) >= {struct.__name__ for struct in structs()}


def test_the_page_tells_every_command_message_code_and_limit() -> None:
    for message in messages():
        assert f"### `{tag(message)}`\n" in PAGE
    for code in (*ERRORS, *(int(close) for close in CLOSES)):
        assert re.search(rf"^\| `?{code}`? \| ", PAGE, re.MULTILINE), code
    for name in LIMITS:
        assert f"| {name.lower().replace('_', ' ')} | {getattr(limits, name)} |" in PAGE


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_the_page_says_who_may_send_a_command_and_what_it_answers(command: Any) -> None:
    section = PAGE.split(f"### `{tag(command)}`\n", 1)[1].split("\n##", 1)[0]
    assert f"Reply: `{tag(command.reply)}`" in section
    assert f"Rate: {command.rate}, {RATES[command.rate].burst} at once" in section
    assert all(f"`{code}`" in section for code in command.errors)
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{tag(command)}` |") and line.count("|") == 8)
    assert [cell.strip() == "yes" for cell in row.split("|")[2:-1]] == [role in command.roles for role in Role]


def test_a_field_means_what_its_comment_and_its_type_say() -> None:
    means = {field.name: meaning(Posted, field) for field in fields(Posted)}
    assert means["shown"].startswith("False: accepted and archived")
    assert means["seq"].startswith("The log event it caused; a comment causes none. Position in a room's log")
    assert means["ref"] == "Chosen by the client; the one reply carries it back."
    assert {field.name: meaning(Joined, field) for field in fields(Joined)}["me"] == ""


def test_every_role_says_who_it_is() -> None:
    assert set(beside(Role)) == {role.name for role in Role}
