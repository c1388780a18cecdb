"""The SDK's own tests, run by node."""

from __future__ import annotations

import subprocess
from pathlib import Path

WEB = Path(__file__).parents[2] / "gateway" / "web"


def test_the_sdk_passes_its_tests_in_node() -> None:
    done = subprocess.run(["npm", "test"], cwd=WEB, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert "# fail 0" in done.stdout
