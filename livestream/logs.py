"""Logs: structured lines, for people on a terminal and for machines elsewhere.

Fields that may hold a secret or somebody's words are struck out here, whoever
passes them: that they are not passed is the first defence, this is the second.
Tracebacks are without the values of variables, and of messages the first line:
Postgres tells the row that failed in the second.
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


def shorten_exceptions(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Processor, after the tracebacks became dicts: keeps the first line of what each exception says."""
    _shorten(event.get("exception", ()))
    return event


def _shorten(exceptions: Any) -> None:
    for exception in exceptions:
        exception["exc_value"] = exception["exc_value"].partition("\n")[0]
        _shorten(exception.get("exceptions", ()))


def configure(settings: Settings, process: str) -> None:
    """Set up logging of this process: ours, and that of libraries from warnings on.

    Args:
        process: name of this process in every line.
    """
    console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    common: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        strike_out,
    ]
    structlog.configure(
        processors=[*common, *_renderers(console)],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    libraries = logging.StreamHandler(sys.stderr)
    libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=common,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(console)],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[libraries])


def _renderers(console: bool) -> list[Any]:
    if console:
        return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [
        structlog.processors.ExceptionRenderer(tracebacks),
        shorten_exceptions,
        structlog.processors.JSONRenderer(),
    ]
