"""Target: which deployment is loaded, and what must be said before it may be.

A load test that goes to the wrong address is an attack, and one in a real show
is a broken evening. So a host that is not this machine must stand in
`allow_hosts`; viewers go into a rehearsal, which is made for the run and erased
after it; and a real room must be named twice, here and on the command line.
"""

from __future__ import annotations

import bisect
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from msgspec import Meta

from livestream.protocol.limits import TEAM_MOST

from .behaviours import options_of
from .behaviours.seats import SeatOptions
from .checkout import LOOPBACK
from .messages import Address, Signing
from .scenario import Action, Scenario, scaled

_URL = re.compile(r"https?://[^\s/]+")


class TargetError(Exception):
    """It may not, or cannot, be loaded; the text says what to do."""


class Process(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A process of this machine that faults may hurt."""

    match: Annotated[list[str], Meta(min_length=1)]  #: whole arguments of its command line, or its program's file name
    pid_file: str | None = None  #: holds its number, which is believed only if `match` fits
    within: Annotated[int, Meta(ge=2)] | None = None  #: only descendants of this process


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A deployment."""

    url: str = "http://127.0.0.1:8080"
    allow_hosts: list[str] = []  #: hosts, other than this machine, that are meant
    shop: str = ""
    kid: str = ""
    key: str = ""
    token: str = ""  #: instead of a key: of the role `service`; a key is made for the run, and retired after it
    key_file: str = ""  #: instead of `key`: a file that holds it
    algorithm: Literal["HS256", "EdDSA"] = "HS256"
    room: str = ""  #: a rehearsal of it is made
    real_room: str = ""  #: instead: a room to load as it is
    metrics_url: str = ""  #: empty: /metrics of the url
    most_viewers: int = 20_000
    most_seconds: float = 3600
    most_actions_per_s: float = 10_000
    process: dict[str, Process] = {}
    redis_url: str = ""
    restart_postgres: list[str] = []  #: a command

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def near(self) -> bool:
        return self.host in LOOPBACK

    def address(self) -> Address:
        parts = urlsplit(self.url)
        tls = parts.scheme == "https"
        host = "127.0.0.1" if self.host == "localhost" else self.host
        return Address(
            host=host, port=parts.port or (443 if tls else 80), tls=tls, name=self.host, loopback=host == "127.0.0.1"
        )

    def signing(self) -> Signing | None:
        """The shop's key; None: one is to be made with the token.

        Raises:
            TargetError: there is neither, or it is no key.
        """
        if not self.shop:
            raise TargetError("whose room is it? Give --shop, or `shop` in the target file")
        if self.token and not self.kid:
            return None
        if not (self.kid and (self.key or self.key_file)):
            raise TargetError(
                "viewers come with tokens that the shop signs: the target needs `kid` and `key` (or `key_file`), or a "
                "`token` of the role service, as `livestream token --role service` makes"
            )
        try:
            key = self.key or Path(self.key_file).read_text().strip()
        except OSError as error:
            raise TargetError(f"cannot read the key from {self.key_file}: {error.strerror}") from None
        try:
            jwt.encode({}, key, algorithm=self.algorithm)
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, UnsupportedAlgorithm) as error:
            raise TargetError(f"the key {self.kid!r} is none that signs with {self.algorithm}: {error}") from None
        return Signing(shop=self.shop, kid=self.kid, key=key, algorithm=self.algorithm)


def read(text: str) -> Target:
    """Read a target file.

    Raises:
        TargetError
    """
    try:
        return msgspec.convert(tomllib.loads(text), Target)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise TargetError(f"the target file: {str(error).replace('`$.', '`')}") from None


def require_allowed(target: Target, scenario: Scenario, real: str) -> None:
    """Raises:
    TargetError: the target must not be loaded so.
    """
    if not _URL.fullmatch(target.url) or not _has_address(target.url):
        raise TargetError(
            f"the url is {target.url!r}: write `https://live.example` or `http://127.0.0.1:8080`, without a path"
        )
    if not target.near and target.host not in target.allow_hosts:
        raise TargetError(
            f"{target.host} is not this machine: if you mean it, name it in `allow_hosts` of the target file"
        )
    if bool(target.room) == bool(target.real_room):
        raise TargetError("give --room, of which a rehearsal is made, or else a real room twice; not both")
    if real != target.real_room:
        raise TargetError(
            f"{target.real_room or real!r} is a real room: to load it, and not a rehearsal, give it both as "
            "`real_room` in the target file and with --real-room"
        )
    if target.real_room and scenario.product:
        raise TargetError("the scenario brings products of its own, which a real shop must not be given")
    if scenario.viewers > target.most_viewers:
        raise TargetError(
            f"{scenario.viewers} viewers are more than `most_viewers` of the target, {target.most_viewers}"
        )
    if scenario.seconds > target.most_seconds:
        raise TargetError(f"{scenario.seconds:g} s are more than `most_seconds` of the target, {target.most_seconds:g}")
    rate = highest_rate(scenario)
    if rate > target.most_actions_per_s:
        raise TargetError(
            f"{rate:g} actions a second are more than `most_actions_per_s` of the target, {target.most_actions_per_s:g}"
        )
    for _, fault in scenario.faults():
        if fault.process is not None and fault.process not in target.process:
            raise TargetError(f"fault {fault.do!r}: the target names no process {fault.process!r}")
        if fault.do == "flush_redis" and not target.redis_url:
            raise TargetError("fault 'flush_redis' needs `redis_url` of the target")
        if fault.do == "restart_postgres" and not target.restart_postgres:
            raise TargetError("fault 'restart_postgres' needs `restart_postgres` of the target, a command")


def _has_address(url: str) -> bool:
    """A host, and a port that there can be."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def highest_rate(scenario: Scenario) -> float:
    """Actions a second that the schedule offers at most, with what follows from them."""
    highest = 0.0
    for phase in scenario.phase:
        total = 0.0
        for action in phase.action:
            ramp = action.per_s if action.per_s is not None else action.per_viewer_s or 0.0
            most = max(ramp) if isinstance(ramp, list) else ramp
            most *= 1 + _follow_ups(action)
            most *= scenario.viewers if action.per_s is None else 1
            total += most * (max(1.0, action.spike.times) if action.spike else 1.0)
        highest = max(highest, total)
    return highest


def bounded(target: Target, scenario: Scenario, most: float, *, by_viewers: bool) -> tuple[float, str]:
    """How far a search for the limit may go.

    Args:
        most: viewers, or factor of the rates, that are wanted.

    Returns: so many, and the bound of the target that makes it less than wanted, if one does.
    """
    if not by_viewers:
        allowed = target.most_actions_per_s / highest_rate(scenario) * (1 - 1e-9)  # as far as multiplying rounds
        return (allowed, "most_actions_per_s") if allowed < most else (most, "")
    found, bound = (target.most_viewers, "most_viewers") if target.most_viewers < most else (int(most), "")
    within = bisect.bisect_right(
        range(1, found + 1),
        target.most_actions_per_s,
        key=lambda viewers: highest_rate(scaled(scenario, viewers=viewers)),
    )
    return (max(1, within), "most_actions_per_s") if within < found else (found, bound)


def _follow_ups(action: Action) -> float:
    """What one action leads to at most: a team's members ask others, and each pays or leaves."""
    options = options_of(action.do, action.options)
    if not isinstance(options, SeatOptions):
        return 0
    return options.invites + TEAM_MOST * (options.passes_on + 1)
