"""Flags: the settings one types, the same before a command and after it."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from livestream.config import Settings, load

_Command = TypeVar("_Command", bound=Callable[..., Any])
_GIVEN = "livestream.flags"  #: in `click.Context.meta`: what was typed so far


def settings_flags(command: _Command) -> _Command:
    """Give a command the flags of the settings; `ctx.obj` is what they, the environment and the file make."""
    for names, options in reversed(_FLAGS):
        command = click.option(*names, expose_value=False, callback=_take, **options)(command)
    return command


def load_settings(ctx: click.Context) -> None:
    """Set `ctx.obj`.

    Raises:
        ConfigError
    """
    given = dict(ctx.meta.get(_GIVEN, {}))
    ctx.obj = load(file=given.pop("config_file", None), environ=os.environ, flags=given)


def _take(ctx: click.Context, parameter: click.Parameter, value: object) -> None:
    if value is not None:
        ctx.meta.setdefault(_GIVEN, {})[parameter.name] = value
        if ctx.parent is not None:
            load_settings(ctx)


def typed(settings: Settings, *command: str) -> str:
    """A command for this deployment, as the person at this terminal can type it.

    By its bare name where the shell would find this very program under it, else by its path; with the flags by which
    the command finds what these settings started.
    """
    program = Path(sys.executable).with_name("livestream")
    found = shutil.which(program.name)
    name = program.name if found and Path(found).resolve() == program.resolve() else _path(program)
    usual = Settings()
    flags: list[str] = []
    for flag in ("data_dir", "host", "port"):
        value = getattr(settings, flag)
        if value != getattr(usual, flag):
            flags += [f"--{flag.replace('_', '-')}", str(value)]
    return shlex.join([name, *flags, *command])


def _path(program: Path) -> str:
    here = Path.cwd()
    return str(program.relative_to(here) if program.is_relative_to(here) else program)


_FLAGS: list[tuple[tuple[str, ...], dict[str, Any]]] = [
    (("--config", "config_file"), {"metavar": "FILE", "help": "A TOML file of settings; see `livestream config`."}),
    (("--data-dir",), {"metavar": "FOLDER", "help": "Folder of the embedded stores. [default: data]"}),
    (("--host",), {"help": "Address to listen on. [default: 127.0.0.1]"}),
    (("--port",), {"type": int, "help": "Port to listen on. [default: 8080]"}),
    (("--gateways",), {"type": int, "help": "Gateway processes of `serve`. [default: one a core]"}),
    (("--log-level",), {"help": "debug, info, warning or error. [default: info]"}),
]
