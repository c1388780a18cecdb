"""The gauges that say whether a store is up: the least of those that know, and nothing of those that do not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from livestream import metrics
from tests.support.gateways import clean_environ

_SET = """
from livestream import metrics
for value in {values}:
    metrics.REDIS_UP.labels("gateway").set(value)
print(metrics.render()[0].decode())
"""


def _said(folder: Path, *values: int) -> list[str]:
    """What /metrics says of Redis after one more process set its gauge to these values, or to none."""
    done = subprocess.run(
        [sys.executable, "-c", _SET.format(values=values)],
        env=clean_environ(**{metrics.FOLDER: str(folder)}),
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in done.stdout.splitlines() if line.startswith("livestream_redis_up")]


def test_a_process_that_does_not_know_says_nothing(tmp_path: Path) -> None:
    assert _said(tmp_path) == []
    assert _said(tmp_path, 1) == ['livestream_redis_up{process="gateway"} 1.0']
    assert _said(tmp_path) == ['livestream_redis_up{process="gateway"} 1.0']


def test_one_gateway_that_lost_redis_is_enough(tmp_path: Path) -> None:
    _said(tmp_path, 1)
    assert _said(tmp_path, 0) == ['livestream_redis_up{process="gateway"} 0.0']
