"""Python's client and the SDK make the same of the same pushes, however late they come: own seats, deals, breaks."""

from __future__ import annotations

import json
import random
import subprocess
from typing import Any

import msgspec

from livestream.client_state import RoomView, apply
from livestream.protocol.pushes import AnyPush
from tests.support import late_news
from tests.web.test_web import WEB, load_build


def in_python(pushes: list[AnyPush]) -> dict[str, Any]:
    view = RoomView()
    for push in pushes:
        view = apply(view, push)
    shown = {name: getattr(view, name) for name in ("seats", "deals", "breaks")}
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(shown))
    return found


def in_node(evenings: list[list[AnyPush]]) -> list[dict[str, Any]]:
    """All in one process."""
    build = load_build()
    npm, environ = build.find_npm()
    build.install(npm, environ)
    lines = b"".join(msgspec.json.encode(pushes) + b"\n" for pushes in evenings).decode()
    command = ["node", "--import", "tsx", "../../tests/web/late_news.ts"]
    ran = subprocess.run(
        command, cwd=WEB, input=lines, capture_output=True, text=True, check=False, timeout=110, env=environ
    )
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_a_thousand_evenings_are_the_same_in_python_and_in_the_browser() -> None:
    chance = random.Random(20_261_131)
    evenings = [late_news.told(chance).pushes for _ in range(1_000)]
    expected = [in_python(pushes) for pushes in evenings]
    assert sum(len(each["deals"]) == 10 for each in expected) > 0
    assert sum(bool(each["seats"] and each["breaks"]) for each in expected) > 300
    assert in_node(evenings) == expected
