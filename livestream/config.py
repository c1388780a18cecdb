"""Settings: every knob once, with default, unit and meaning; and the reference that prints itself.

Sources, later ones win: the defaults here, a TOML file (`--config` or
`LIVESTREAM_CONFIG`), the environment (`LIVESTREAM_<NAME>` in capitals;
`DATABASE_URL` and `REDIS_URL` also without the prefix), command-line flags.
A name or value that does not fit is an error that names it.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

PREFIX = "LIVESTREAM_"
_UNPREFIXED = ("DATABASE_URL", "REDIS_URL")
_SCHEMES = {"database_url": ("postgresql://", "postgres://"), "redis_url": ("redis://", "rediss://", "unix://")}
_HERE = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "::")
#: between the supervisor and its children, not settings
_NOT_SETTINGS = frozenset({PREFIX + "CONFIG", PREFIX + "ALIVE_FD", PREFIX + "LIFELINE_FD"})


class ConfigError(Exception):
    """A setting is unknown or does not fit; the text names it and says what would."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of all processes."""

    # -- where things are
    profile: Annotated[
        Literal["development", "production"],
        Meta(description="`production` refuses embedded stores, a missing secret and demo shops."),
    ] = "development"
    data_dir: Annotated[str, Meta(description="Folder of the embedded stores and of this deployment's secret.")] = (
        "data"
    )
    database_url: Annotated[str, Meta(description="PostgreSQL; empty: the embedded one in `data_dir`.")] = ""
    redis_url: Annotated[str, Meta(description="Redis or Valkey; empty: the embedded one in `data_dir`.")] = ""
    embedded_in_production: Annotated[
        bool, Meta(description="Let the production profile use the embedded stores: one machine, no copies.")
    ] = False
    secret: Annotated[
        str,
        Meta(description="Signs resume tokens, 32 characters or more; empty: made once in `data_dir`."),
    ] = ""

    # -- what listens
    host: Annotated[str, Meta(description="Address that the gateways listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535, description="Port that all gateways of a machine share.")] = 8080
    public_url: Annotated[
        str,
        Meta(
            pattern=r"^$|^https?://[^/]+$",
            description="How people reach the pages, `https://live.example` say, for links; empty: this machine.",
        ),
    ] = ""
    metrics_host: Annotated[str, Meta(description="Address of the metrics listener, where `metrics_port` is set.")] = (
        "127.0.0.1"
    )
    metrics_port: Annotated[
        int,
        Meta(ge=0, le=65535, description="Port of /metrics; 0: on the public port (refused in production)."),
    ] = 0
    gateways: Annotated[int, Meta(ge=0, le=256, description="Gateway processes of `serve`; 0: one a core.")] = 0
    allowed_hosts: Annotated[
        tuple[str, ...], Meta(description="Values of the Host header that are served, without port; empty: any.")
    ] = ("localhost", "127.0.0.1", "::1")
    allowed_origins: Annotated[
        tuple[str, ...],
        Meta(description="Origins whose pages may connect; `same`: the page's own host; `*`: any. No Origin: an app."),
    ] = ("same",)
    trusted_proxies: Annotated[
        tuple[str, ...], Meta(description="Addresses or networks whose X-Forwarded-For counts.")
    ] = ()
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Meta(description="Least level logged.")] = "info"
    log_format: Annotated[
        Literal["auto", "json", "console"], Meta(description="`auto`: console on a terminal, else JSON lines.")
    ] = "auto"

    # -- Postgres
    pool_size: Annotated[int, Meta(ge=2, le=100, description="Connections a process.")] = 6
    statement_timeout_ms: Annotated[
        int, Meta(ge=100, le=60_000, description="Also of locks and of idle transactions: none stops a room longer.")
    ] = 2000
    batch_size: Annotated[int, Meta(ge=1, le=5000, description="Most commands in one transaction.")] = 256
    batch_queue: Annotated[
        int, Meta(ge=1, description="Commands that wait for a batch before more are refused as busy.")
    ] = 10_000

    # -- connections
    max_connections: Annotated[
        int,
        Meta(ge=1, description="A process, if the system allows it so many open files; above it handshakes get 503."),
    ] = 15_000
    sockets_per_viewer: Annotated[int, Meta(ge=1, description="A process and viewer; the oldest is replaced.")] = 5
    sockets_per_address: Annotated[
        int, Meta(ge=1, description="A process and address; above it handshakes get 429.")
    ] = 2000
    handshake_timeout_ms: Annotated[int, Meta(ge=100, description="From accept to a whole request head.")] = 10_000
    join_timeout_ms: Annotated[int, Meta(ge=100, description="From handshake to a successful join.")] = 5_000
    ping_interval_s: Annotated[int, Meta(ge=1, le=600, description="Between pings to a viewer.")] = 25
    pong_timeout_s: Annotated[int, Meta(ge=1, le=600, description="Silence after a ping that ends it.")] = 10
    resume_ttl_s: Annotated[int, Meta(ge=10, description="How long a resume token lets a viewer back in.")] = 900
    drain_s: Annotated[float, Meta(ge=0, le=300, description="Over how long SIGTERM spreads the closes.")] = 5.0
    come_back_spread_ms: Annotated[
        int, Meta(ge=0, description="Jitter of come-back hints: closes are spread already.")
    ] = 250

    # -- fan-out
    send_buffer_bytes: Annotated[int, Meta(ge=4096, description="SO_SNDBUF: what the kernel swallows.")] = 49_152
    soft_buffer_bytes: Annotated[
        int, Meta(ge=1024, description="Unsent bytes above which a viewer misses live and gauge frames.")
    ] = 65_536
    hard_buffer_bytes: Annotated[
        int, Meta(ge=2048, description="Unsent bytes above which a viewer is cut, to come back and resume.")
    ] = 262_144
    live_floor_ms: Annotated[int, Meta(ge=0, le=1000, description="Least time between live frames of a room.")] = 40
    gauge_tick_ms: Annotated[int, Meta(ge=50, description="Least time between two values of one gauge.")] = 1000
    slice_size: Annotated[int, Meta(ge=1, description="Connections sent to before the loop serves others.")] = 200
    compress: Annotated[bool, Meta(description="Offer permessage-deflate; a frame is compressed once for all.")] = True
    compress_min_bytes: Annotated[int, Meta(ge=0, description="Smaller frames go out as they are.")] = 256
    log_tail: Annotated[int, Meta(ge=1, description="Log events kept in memory a room, for resumes.")] = 2000

    # -- rooms
    heartbeat_ms: Annotated[int, Meta(ge=100, description="Between heartbeats; halved while Redis is away.")] = 1000
    gap_wait_ms: Annotated[int, Meta(ge=1, description="How long a missing log event may be under way.")] = 30
    display_per_s: Annotated[
        float, Meta(gt=0, description="Comments shown a second and room; more are sampled. A room may override it.")
    ] = 8.0
    comment_rate_burst: Annotated[int, Meta(ge=1, description="Comments a viewer may send at once.")] = 20
    comment_rate_per_s: Annotated[float, Meta(gt=0, description="Comments a viewer may send a second, lasting.")] = (
        0.667
    )
    read_rate_burst: Annotated[
        int, Meta(ge=1, description="Reads over HTTP at once from one address, of people without a token.")
    ] = 200
    read_rate_per_s: Annotated[float, Meta(gt=0, description="The same a second, lasting, a process.")] = 50.0
    staff_rate_burst: Annotated[int, Meta(ge=1, description="Staff commands at once.")] = 50
    staff_rate_per_s: Annotated[float, Meta(gt=0, description="Staff commands a second, lasting.")] = 20.0

    # -- draws
    drand_relays: Annotated[
        tuple[str, ...],
        Meta(description="Where rounds of the public beacon of draws are fetched; none is trusted, all are asked."),
    ] = (
        "https://api.drand.sh",
        "https://api2.drand.sh",
        "https://api3.drand.sh",
        "https://drand.cloudflare.com",
    )

    # -- webhooks
    webhook_inside: Annotated[
        tuple[str, ...],
        Meta(description="Hosts or networks inside yours that webhooks may go to; all else inside is refused."),
    ] = ()
    webhook_timeout_ms: Annotated[int, Meta(ge=100, le=60_000, description="For an endpoint to answer.")] = 10_000
    webhook_parallel: Annotated[int, Meta(ge=1, le=1000, description="Webhooks under way at once, a worker.")] = 16
    webhook_keep_days: Annotated[
        int, Meta(ge=4, le=3650, description="How long they can be looked at and replayed; retries take 4 days.")
    ] = 30

    # -- group buys
    payments: Annotated[
        Literal["", "sandbox"],
        Meta(description="Payment provider; empty: none, `serve` with the demo has its sandbox."),
    ] = ""
    payment_way: Annotated[
        Literal["authorise", "capture"], Meta(description="Hold money first and take it later, or take it at once.")
    ] = "authorise"
    sandbox_url: Annotated[
        str, Meta(pattern=r"^https?://[^/]+$", description="Where `livestream sandbox-pay` listens.")
    ] = "http://127.0.0.1:8095"

    @property
    def local_url(self) -> str:
        """Where this machine reaches a gateway."""
        host = "localhost" if self.host in _HERE else f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def production(self) -> bool:
        return self.profile == "production"


def load(
    *, file: str | None = None, environ: Mapping[str, str] = {}, flags: Mapping[str, object] | None = None
) -> Settings:
    """Merge the sources and validate.

    Args:
        file: a TOML file; None: what `LIVESTREAM_CONFIG` names, or none.
        flags: settings given on the command line; None values are left out.

    Raises:
        ConfigError: an unknown name, a value that does not fit, or a file that cannot be read.
    """
    merged: dict[str, object] = {}
    path = file or environ.get(PREFIX + "CONFIG")
    if path:
        merged |= _from_file(Path(path))
    merged |= _from_environ(environ)
    merged |= {name: value for name, value in (flags or {}).items() if value is not None}
    for name, value in merged.items():
        _check(name, value)
    settings = msgspec.convert(merged, Settings, strict=False)
    return _consistent(settings)


def _from_file(path: Path) -> dict[str, object]:
    try:
        found = tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"cannot read the settings file {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the settings file {path} is not TOML: {error}") from None
    return found


def _from_environ(environ: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = {name.lower(): environ[name] for name in _UNPREFIXED if environ.get(name)}
    for variable, value in environ.items():
        if variable.startswith(PREFIX) and variable not in _NOT_SETTINGS:
            found[variable.removeprefix(PREFIX).lower()] = value
    return {
        name: [item.strip() for item in value.split(",") if item.strip()]
        if isinstance(value, str) and _is_list(name)
        else value
        for name, value in found.items()
    }


def _is_list(name: str) -> bool:
    hint = _hints().get(name)
    return hint is not None and get_origin(get_args(hint)[0]) is tuple


def _hints() -> dict[str, Any]:
    return {name: hint for name, hint in get_type_hints(Settings, include_extras=True).items() if hint is not None}


def _check(name: str, value: object) -> None:
    hint = _hints().get(name)
    if hint is None:
        raise ConfigError(f"no setting is called `{name}`; `livestream config` lists them all")
    try:
        msgspec.convert(value, hint, strict=False)
    except msgspec.ValidationError as error:
        shown = "…" if name in ("secret", "database_url", "redis_url") else repr(value)
        raise ConfigError(f"setting `{name}` = {shown}: {error}") from None


def _consistent(settings: Settings) -> Settings:
    if settings.hard_buffer_bytes <= settings.soft_buffer_bytes:
        raise ConfigError("setting `hard_buffer_bytes` must be above `soft_buffer_bytes`")
    if settings.secret and len(settings.secret) < 32:
        raise ConfigError("setting `secret` must have 32 characters or more: try `openssl rand -hex 32`")
    for name, schemes in _SCHEMES.items():
        if getattr(settings, name) and not getattr(settings, name).startswith(schemes):
            raise ConfigError(f"setting `{name}` must begin with {' or '.join(schemes)}")
    for entry in settings.webhook_inside:
        if not _is_host_or_network(entry):
            raise ConfigError(f"setting `webhook_inside`: {entry!r} is no host name, address or network")
    if settings.metrics_port == settings.port:
        raise ConfigError("setting `metrics_port` must be another port than `port`")
    if settings.production:
        if settings.payments == "sandbox":
            raise ConfigError("setting `payments`: the sandbox moves no money and is refused in the production profile")
        for name in ("secret",) if settings.embedded_in_production else ("database_url", "redis_url", "secret"):
            if not getattr(settings, name):
                either = "" if name == "secret" else ", or `embedded_in_production` set to true"
                raise ConfigError(f"setting `{name}` must be given in the production profile{either}")
        if not settings.metrics_port:
            raise ConfigError("setting `metrics_port` must be given in the production profile: /metrics is not public")
    return settings


def _is_host_or_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return re.fullmatch(r"[\w-]+(\.[\w-]+)*", text) is not None and not text.rpartition(".")[2].isdigit()
    return True


def reference() -> str:
    """The commented TOML file that holds every default."""
    lines = ["# Settings of livestream, with their defaults. Also as environment: LIVESTREAM_<NAME IN CAPITALS>.", ""]
    hints = _hints()
    for field in msgspec.structs.fields(Settings):
        bare, meta = get_args(hints[field.name])[:2]
        lines.append(f"# {meta.description}")
        if get_origin(bare) is Literal:
            lines.append("# One of: " + ", ".join(get_args(bare)))
        default = msgspec.json.encode(field.default).decode()
        lines += [f"{field.name} = {default}", ""]
    return "\n".join(lines)
