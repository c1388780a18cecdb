"""Logs: structured lines, for people on a terminal and for machines elsewhere.

Fields that may hold a secret or somebody's words are struck out here, whoever
passes them: that they are not passed is the first defence, this is the second.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from livestream.config import Settings

_NEVER = frozenset({"token", "ticket", "text", "authorization", "secret", "password", "resume", "key"})


def strike_out(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Processor: empties the fields that must not be logged."""
    for name in _NEVER & event.keys():
        event[name] = "…"
    return event


def configure(settings: Settings, process: str) -> None:
    """Set up logging of this process.

    Args:
        process: name of this process in every line.
    """
    console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            strike_out,
            *_renderers(console),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)


def _renderers(console: bool) -> list[Any]:
    if console:
        return [structlog.dev.ConsoleRenderer()]
    return [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()]
