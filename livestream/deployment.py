"""Deployment: what every process of one deployment must agree on, and how commands find a running one."""

from __future__ import annotations

from pathlib import Path

import msgspec

from livestream.account import account
from livestream.config import PREFIX, ConfigError, Settings
from livestream.datadir import DataDir


def to_environ(settings: Settings) -> dict[str, str]:
    """Settings as the environment of a child process, which then reads the very same."""
    environ = {}
    for name, value in msgspec.to_builtins(settings).items():
        text = ",".join(value) if isinstance(value, list | tuple) else str(value)
        environ[PREFIX + name.upper()] = text.lower() if isinstance(value, bool) else text
    return environ


def resolve(settings: Settings) -> Settings:
    """Fill in the stores' addresses and the secret from the data folder, for commands beside a running `serve`.

    Raises:
        ConfigError: nothing is given and nothing runs there.
    """
    if settings.database_url and settings.redis_url and settings.secret:
        return settings
    data = DataDir(Path(settings.data_dir), account())
    if not data.made:
        raise ConfigError(
            f"no show runs in the data folder {data.path}: start `livestream serve`, "
            "or give DATABASE_URL, REDIS_URL and LIVESTREAM_SECRET"
        )
    return with_stores(settings, data)


def with_stores(settings: Settings, data: DataDir) -> Settings:
    """The same settings, with what is empty taken from a data folder."""
    return msgspec.structs.replace(
        settings,
        database_url=settings.database_url or data.database_url,
        redis_url=settings.redis_url or data.redis_url,
        secret=settings.secret or data.secret("deployment"),
    )


def secret_of(settings: Settings) -> bytes:
    return settings.secret.encode()
