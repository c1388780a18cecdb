"""Shelf: scenarios, those that are shipped by name and your own by path, checked down to their last cue."""

from __future__ import annotations

from pathlib import Path

import msgspec

from livestream.protocol.commands import COMMANDS, AnyCommand, Command
from livestream.protocol.replies import Announced, Posted
from livestream.protocol.roles import HOSTS

from .behaviours import BEHAVIOURS, options_of
from .scenario import Scenario, ScenarioError, bound, read

FOLDER = Path(__file__).parent / "scenarios"
CUES = {str(each.__struct_config__.tag) for each in COMMANDS if each.roles & HOSTS}


def shipped() -> list[str]:
    """Names, in order."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def load(name: str) -> Scenario:
    """A shipped scenario by name, or one of your own by path.

    Raises:
        ScenarioError
    """
    path = FOLDER / f"{name}.toml" if "/" not in name and not name.endswith(".toml") else Path(name)
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        known = ", ".join(shipped())
        raise ScenarioError(f"there is no scenario {name!r}: give a path, or one of {known}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"cannot read {path}: {error}") from None
    try:
        scenario = read(text, set(BEHAVIOURS), CUES)
        _check_parts(scenario)
    except (ScenarioError, msgspec.ValidationError) as error:
        raise ScenarioError(f"{path.name}: {error}") from None
    return scenario


def _check_parts(scenario: Scenario) -> None:
    """Options of actions, and cues as the commands that they will be.

    Raises:
        ScenarioError, msgspec.ValidationError
    """
    examples: dict[str, str] = {}  #: of what cues make
    for phase in scenario.phase:
        for action in phase.action:
            options_of(action.do, action.options)
            if not BEHAVIOURS[action.do].scheduled:
                raise ScenarioError(f"phase {phase.name!r}: {action.do!r} follows from other actions: leave it out")
        for cue in sorted(phase.cue, key=lambda each: each.at_s):
            command: Command = msgspec.convert({**bound(cue.send, examples), "ref": 0, "key": "k"}, AnyCommand)
            if cue.makes and command.reply not in (Posted, Announced):
                raise ScenarioError(f"phase {phase.name!r}: `{cue.send['t']}` makes nothing that has an id")
            if cue.makes:
                examples[cue.makes] = "0" * (32 if command.reply is Announced else 13)
