"""Cast: who is in a worker: its share of the viewers, and with the first worker the witnesses and staff."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from livestream.protocol.codec import Codec
from livestream.protocol.roles import Role

from .behaviours.base import Who
from .scenario import Crowd
from .viewer import Viewer

if TYPE_CHECKING:
    from .driver import Driver

_NAMES = ("Ada", "Bao", "Chloé", "Dan", "Ewa", "Filip", "Grâce", "Hania", "Ines", "Jan", "Kai", "Łucja", "Mei", "Noé")
_HOST, _FIRST_WITNESS, _OPERATOR = -1, -2, -100  #: numbers below zero are no viewers'; witnesses count down


def viewers(driver: Driver) -> list[Viewer]:
    """Every so-manieth of the scenario's, the same ones for the same seed."""
    scenario, dice = driver.plan.scenario, Random(f"{driver.plan.scenario.seed}/crowd")
    shares = [crowd.share for crowd in scenario.crowd]
    found = []
    for number in range(scenario.viewers):
        crowd = dice.choices(scenario.crowd, shares)[0]
        anonymous = dice.random() < crowd.anonymous
        if number % driver.plan.workers == driver.plan.worker:
            found.append(_viewer(driver, number, crowd, signed_in=not anonymous))
    return found


def _viewer(driver: Driver, number: int, crowd: Crowd, *, signed_in: bool) -> Viewer:
    person = Who(number, f"{_NAMES[number % len(_NAMES)]} {number}", signed_in)
    codec = Codec.JSON if crowd.codec == "json" else Codec.MSGPACK
    viewer = Viewer(driver, person, "viewer", codec, compression=crowd.compression)
    viewer.reads_per_s = crowd.reads_bytes_per_s
    viewer.label = "slow." if crowd.reads_bytes_per_s else ""
    viewer.through_line = crowd.through_line and driver.plan.line is not None
    least, most = crowd.think_s
    viewer.think_us = (int(least * 1e6), int(most * 1e6))
    viewer.person.memory["does"] = frozenset(crowd.does)
    return viewer


def witnesses(driver: Driver) -> list[Viewer]:
    """They keep what was shown."""
    return [] if driver.plan.worker else [_witness(driver, each) for each in range(driver.plan.scenario.witnesses)]


def _witness(driver: Driver, number: int) -> Viewer:
    codec = Codec.MSGPACK if number % 2 else Codec.JSON
    who = Who(_FIRST_WITNESS - number, f"Witness {number}", True)
    viewer = Viewer(driver, who, "viewer", codec, compression=bool(number % 2))
    viewer.accounts = True
    return viewer


def host(driver: Driver) -> Viewer | None:
    return None if driver.plan.worker else _staff(driver, _HOST, "Host", Role.HOST)


def operator(driver: Driver) -> Viewer | None:
    """Who may do what costs money, if the scenario needs it."""
    if driver.plan.worker or not driver.plan.operator:
        return None
    return _staff(driver, _OPERATOR, "Operator", Role.OPERATOR)


def _staff(driver: Driver, number: int, name: str, role: Role) -> Viewer:
    viewer = Viewer(driver, Who(number, name, True), role.value, Codec.JSON, compression=True)
    viewer.think_us = (0, 0)
    return viewer
