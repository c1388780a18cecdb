"""The page for shop developers: its snippets verify what we sign and nothing else, and its numbers are ours."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from livestream.config import Settings
from livestream.webhooks import schedule, service, signature

PAGE = (Path(__file__).parents[2] / "docs/webhooks.md").read_text("utf-8")
SECRET, NEXT = signature.secret_of(b"k" * 32), signature.secret_of(b"n" * 24)
BODY = '{"type":"ping","data":"żółć 直播"}'.encode()

_NODE = """
const { secret, cases } = JSON.parse(process.argv[1]);
console.log(JSON.stringify(cases.map(([headers, body]) => verify(secret, headers, Buffer.from(body, "utf8")))));
"""


def snippet(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def in_python(cases: list[tuple[dict[str, str], bytes]]) -> list[bool]:
    names: dict[str, Any] = {}
    exec(snippet("python"), names)
    return [names["verify"](SECRET, headers, body) for headers, body in cases]


def in_node(cases: list[tuple[dict[str, str], bytes]]) -> list[bool]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node")
    told = json.dumps({"secret": SECRET, "cases": [[headers, body.decode()] for headers, body in cases]})
    done = subprocess.run(
        [node, "--input-type=module", "--eval", snippet("js") + _NODE, told],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[bool] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("verify", [in_python, in_node])
def test_a_snippet_takes_what_we_sign_and_nothing_else(
    verify: Callable[[list[tuple[dict[str, str], bytes]]], list[bool]],
) -> None:
    now = int(time.time())
    good = signature.headers([SECRET], "msg_1", now, BODY)
    rotating = signature.headers([NEXT, SECRET], "msg_1", now, BODY)
    assert verify([(good, BODY), (rotating, BODY)]) == [True, True]
    bad = [
        (good, BODY + b" "),
        (good | {"webhook-id": "msg_2"}, BODY),
        (good | {"webhook-timestamp": str(now + 1)}, BODY),
        (good | {"webhook-timestamp": "soon"}, BODY),
        (good | {"webhook-signature": "v1,"}, BODY),
        (good | {"webhook-signature": ""}, BODY),
        (signature.headers([NEXT], "msg_1", now, BODY), BODY),
        (signature.headers([SECRET], "msg_1", now - 302, BODY), BODY),
        (signature.headers([SECRET], "msg_1", now + 310, BODY), BODY),
        ({}, BODY),
    ]
    assert verify(bad) == [False] * len(bad)


def test_its_numbers_are_ours() -> None:
    waits = re.search(r"^\| after the one before \| at once \| (.*) \|$", PAGE, re.MULTILINE)
    assert waits is not None
    unit = {"s": 1, "min": 60, "h": 3600}
    told = [int(number) * unit[name] for number, name in (each.split() for each in waits[1].split(" | "))]
    assert told == list(schedule.DELAYS_S)
    assert schedule.JITTER == 0.2
    assert schedule.RETRY_AFTER_MAX_S == 3600
    assert schedule.FAILING_MAX_S == 5 * 86_400
    assert service.OVERLAP_S == 24 * 3600
    assert service.ENDPOINTS_PER_SHOP == 10
    assert signature.TOLERANCE_S == 300
    assert Settings().webhook_timeout_ms == 10_000
    assert Settings().webhook_keep_days == 30
