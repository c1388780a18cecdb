"""What lies in deploy/ and docs/operations.md names only commands, settings and metrics that exist."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import msgspec
import pytest
from prometheus_client import REGISTRY

from livestream import metrics
from livestream.cli import cli
from livestream.config import PREFIX, Settings, load

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
OPERATIONS = ROOT / "docs" / "operations.md"
FILES = [*sorted(DEPLOY.iterdir()), OPERATIONS]
YAML = [path for path in FILES if path.suffix in (".yaml", ".yml")]
_IMPORTED = metrics.CONNECTIONS  # its module registers what is exposed
#: not settings of ours: the file of settings
_OTHER_VARIABLES = {"CONFIG"}
#: errors that end a program with one line
_SAID = ("ConfigError", "DataDirError", "EmbeddedError")


def texts(pattern: str, path: Path) -> set[str]:
    return set(re.findall(pattern, path.read_text()))


def exposed() -> set[str]:
    """Every sample that /metrics may hold."""
    names = set()
    for family in REGISTRY.collect():
        names.add(family.name)
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(family.type, [""])
        names |= {family.name + suffix for suffix in suffixes}
    return names


def test_there_is_something_to_check() -> None:
    assert {path.name for path in YAML} == {"alerts.yml", "compose.yaml", "kubernetes.yaml", "prometheus.yml"}
    assert len(set().union(*(texts(r"LIVESTREAM_[A-Z_]+", path) for path in FILES))) > 10


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_command_named_exists(path: Path) -> None:
    known = set(cli.list_commands(cli.make_context("livestream", ["config"])))
    called = texts(r"`(?:\S*/)?livestream ([a-z][a-z-]*)[ `]", path) | texts(r'"livestream", "([a-z][a-z-]*)"', path)
    called |= texts(r"(?m)^(?:    |ExecStart=\S*/)(?:\S+/)?livestream ([a-z][a-z-]*)", path)
    assert called <= known


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_variable_named_is_a_setting(path: Path) -> None:
    settings = {field.name.upper() for field in msgspec.structs.fields(Settings)} | _OTHER_VARIABLES
    assert texts(rf"{PREFIX}([A-Z][A-Z_]*[A-Z])", path) <= settings


@pytest.mark.parametrize("path", [DEPLOY / "alerts.yml", DEPLOY / "runbook.md", OPERATIONS], ids=lambda path: path.name)
def test_every_metric_named_is_exposed(path: Path) -> None:
    named = texts(r"\blivestream_[a-z_]+", path) - {"livestream_assets", "livestream_tls"}
    assert named
    assert named <= exposed()


def test_every_alert_is_in_the_runbook_and_no_other() -> None:
    alerts = texts(r"- alert: (\w+)", DEPLOY / "alerts.yml")
    headings = texts(r"(?m)^## ([A-Z]\w+(?:, [A-Z]\w+)*)$", DEPLOY / "runbook.md")
    assert alerts == {name for heading in headings for name in heading.split(", ")}


@pytest.mark.parametrize("path", YAML, ids=lambda path: path.name)
def test_yaml_is_indented_by_two_and_repeats_no_key(path: Path) -> None:
    """Not a parser, but what goes wrong by hand: tabs, odd indents, a key twice in one mapping."""
    seen: dict[tuple[int, ...], set[str]] = {}
    nesting: list[int] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        indent = len(line) - len(line.lstrip(" "))
        assert "\t" not in line, f"line {number}"
        assert indent % 2 == 0, f"line {number}"
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        item = line.lstrip().startswith("- ")
        if line == "---":
            seen.clear()
        nesting = [start for start in nesting if start < indent]
        key = re.match(r"(?:- )?([\w.\"<-]+):(?: |$)", line.lstrip())
        if key:
            _new_key(seen, indent + 2 * item, item, key.group(1), number)
        nesting.append(indent)


def _new_key(seen: dict[tuple[int, ...], set[str]], indent: int, item: bool, key: str, number: int) -> None:
    for deeper in [each for each in seen if each[0] > indent or (item and each[0] == indent)]:
        del seen[deeper]
    keys = seen.setdefault((indent,), set())
    assert key not in keys, f"line {number}: {key} again"
    keys.add(key)


def test_the_settings_of_kubernetes_hold_and_leave_time_to_drain() -> None:
    text = (DEPLOY / "kubernetes.yaml").read_text()
    environ = {name: value.strip('"') for name, value in re.findall(r"(?m)^  (LIVESTREAM_\w+): (.+)$", text)}
    secrets = {"DATABASE_URL": "postgresql://a/b", "REDIS_URL": "redis://a", "LIVESTREAM_SECRET": "s" * 32}
    settings = load(environ=environ | secrets)
    assert settings.production
    assert "localhost" in settings.allowed_hosts
    grace_s = int(re.findall(r"terminationGracePeriodSeconds: (\d+)", text)[0])
    pause_s = int(re.findall(r'\["sleep", "(\d+)"\]', text)[0])
    assert grace_s > pause_s + settings.drain_s + 10


def test_nginx_is_more_patient_than_the_ping() -> None:
    settings = Settings()
    patience = texts(r"proxy_read_timeout (\d+)s", DEPLOY / "nginx.conf")
    assert max(map(int, patience)) > settings.ping_interval_s + settings.pong_timeout_s


def test_the_image_asks_a_port_that_it_listens_on() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    environ = dict(re.findall(r"(LIVESTREAM_\w+)=(\S+)", text))
    secrets = {"DATABASE_URL": "postgresql://a/b", "REDIS_URL": "redis://a", "LIVESTREAM_SECRET": "s" * 32}
    settings = load(environ=environ | secrets)
    assert f"127.0.0.1:{settings.port}/healthz" in text
    assert f"EXPOSE {settings.port} {settings.metrics_port}" in text
    assert "\nUSER 10001\n" in text


def test_the_image_holds_every_package() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    copied = re.findall(r"(?m)^COPY (\w+) \1$", (DEPLOY / "Containerfile").read_text())
    assert sorted(copied) == sorted(each.removesuffix("*") for each in wanted)


def complaints() -> set[str]:
    """What the programs may say when they cannot start; `…` for what they fill in."""
    sources = [ROOT / "livestream" / f"{name}.py" for name in ("datadir", "exposure", "config", "ports")]
    sources += (ROOT / "livestream" / "embedded").glob("*.py")
    found = set()
    for node in [node for path in sources for node in ast.walk(ast.parse(path.read_text()))]:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _SAID:
            text = node.args[0]
            parts = text.values if isinstance(text, ast.JoinedStr) else [text]
            found.add("".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts))
    return found


def test_every_error_at_the_start_is_explained_and_no_other() -> None:
    table = OPERATIONS.read_text().partition("| it says | do |\n|---|---|\n")[2].partition("\n\n")[0]
    rows = {re.split(r" \| ", row)[0].removeprefix("| ").strip("`").strip() for row in table.splitlines()}
    said = complaints()
    assert len(said) > 20
    assert [text for text in said if not any(row in text for row in rows)] == []
    assert [row for row in rows if not any(row in text for text in said)] == []
