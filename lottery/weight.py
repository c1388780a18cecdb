"""Weight: how many chances an entry has, by the published rules. Pure."""

from __future__ import annotations

from typing import NamedTuple

from .rules import Weights


class Facts(NamedTuple):
    """What the room knows of a person in this show."""

    commented: bool = False
    joined_team: bool = False
    bought: bool = False
    watched_s: int = 0  #: seconds in the room


def weight(rules: Weights, facts: Facts) -> int:
    """Weight of who has these facts; more facts never make it less."""
    steps = min(facts.watched_s // rules.watched_step_s, rules.watched_most)
    return (
        rules.base
        + rules.commented * facts.commented
        + rules.joined_team * facts.joined_team
        + rules.bought * facts.bought
        + rules.watched * steps
    )


def most(rules: Weights) -> int:
    """The greatest weight that these rules can give; the least is the base."""
    return weight(rules, Facts(True, True, True, rules.watched_step_s * rules.watched_most))
