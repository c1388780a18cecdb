"""Who may import whom, and what a module marked pure must not know."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: what each package may import of ours, itself aside
ALLOWED = {
    "livestream": ("livestream",),
    "gateway": ("livestream", "gateway"),
    "lottery": ("livestream", "lottery"),
    "groupbuy": ("livestream", "groupbuy"),
    "loadtest": (
        "livestream.protocol",
        "livestream.client",
        "livestream.client_rules",
        "livestream.client_wire",
        "loadtest",
    ),
}
#: what tells the time, rolls dice, waits or talks to a store
IMPURE = {"asyncio", "time", "random", "secrets", "datetime", "asyncpg", "redis", "uvloop", "aiohttp", "socket", "os"}
MODULES = sorted(
    path for package in ALLOWED for path in (ROOT / package).rglob("*.py") if "node_modules" not in str(path)
)


def imports(path: Path) -> Iterator[str]:
    """Absolute names of what a file imports, wherever in it."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def is_pure(path: Path) -> bool:
    """Does the first paragraph of its docstring say so?"""
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return "Pure" in docstring.split("\n\n")[0]


def _within(name: str, allowed: str) -> bool:
    return name == allowed or name.startswith(allowed + ".")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_package_imports_only_what_it_may(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    ours = [name for name in imports(path) if name.split(".")[0] in ALLOWED]
    assert [name for name in ours if not any(_within(name, each) for each in ALLOWED[package])] == []


@pytest.mark.parametrize("path", [path for path in MODULES if is_pure(path)], ids=named)
def test_a_pure_module_knows_no_clock_no_chance_and_no_store(path: Path) -> None:
    assert {name.split(".")[0] for name in imports(path)} & IMPURE == set()


def test_the_rules_see_what_they_look_for() -> None:
    assert sum(map(is_pure, MODULES)) >= 3
    assert any("livestream.config.Settings" in set(imports(path)) for path in MODULES if "gateway" in path.parts)
