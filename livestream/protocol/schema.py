"""JSON Schema of the wire (2020-12), from the structs that decode it."""

from __future__ import annotations

import inspect

import msgspec

from .commands import AnyCommand
from .pushes import AnyPush
from .replies import AnyReply


def schema() -> str:
    """One document: what a client may send, what it receives, and every struct of it."""
    (sent, pushed, replied), components = msgspec.json.schema_components(
        [AnyCommand, AnyPush, AnyReply], ref_template="#/$defs/{name}"
    )
    for component in components.values():
        if "description" in component:  # a docstring, which older Pythons keep with its indentation
            component["description"] = inspect.cleandoc(component["description"])
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "livestream.v1",
        "title": "Frames of livestream.v1: a frame is always a list of messages",
        "$defs": {
            "FromClient": {"type": "array", "items": sent},
            "FromServer": {"type": "array", "items": {"anyOf": [pushed, replied]}},
            **components,
        },
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
