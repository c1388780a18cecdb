"""Logs hold no secret and nobody's words, whoever passes them and whatever goes wrong."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from livestream.config import Settings
from livestream.logs import configure, strike_out

WORDS = "my words to the host"


@pytest.fixture(params=["json", "console"])
def written(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Configured logging; call it for what was written to standard error."""
    output = io.StringIO()
    monkeypatch.setattr(sys, "stderr", output)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # those of pytest
    configure(Settings(log_format=request.param), "test")
    yield output.getvalue
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def fail(text: str) -> None:
    token = "eyJ" + text
    raise ValueError("no such thing\nDETAIL: Failing row contains (" + token + ")")


@pytest.mark.parametrize("name", ["token", "ticket", "text", "authorization", "secret", "password", "resume", "key"])
def test_a_field_that_may_hold_a_secret_is_struck_out(name: str) -> None:
    assert strike_out(None, "info", {"event": "x", name: WORDS})[name] == "…"


def test_a_line_names_its_process_and_level(written: Any) -> None:
    structlog.get_logger().warning("room.full", room="demo", text=WORDS)
    line = written()
    assert WORDS not in line
    assert line.count("\n") == 1
    for part in ("room.full", "demo", "warning", "test"):
        assert part in line


def test_a_traceback_tells_no_values_of_variables(written: Any) -> None:
    try:
        fail(WORDS)
    except ValueError:
        structlog.get_logger().exception("command.failed")
    output = written()
    assert "command.failed" in output
    assert "no such thing" in output
    if output.startswith("{"):
        assert WORDS not in output
        assert json.loads(output)["exception"][0]["exc_type"] == "ValueError"
    else:
        assert f"text = '{WORDS}" not in output


def test_libraries_speak_in_the_same_form(written: Any) -> None:
    logging.getLogger("asyncpg.pool").error("Error handling request", extra={"token": WORDS})
    logging.getLogger("asyncpg.pool").info("not this")
    output = written()
    assert "Error handling request" in output
    assert WORDS not in output
    assert "not this" not in output
    if output.startswith("{"):
        assert json.loads(output)["process"] == "test"
