"""Commands: `livestream …` as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from tests.support.gateways import clean_environ

NOBODY = 65534
#: Becomes an ordinary user, who may read wherever this Python is installed and write nowhere.
AS_NOBODY = (
    "setpriv",
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--inh-caps=+dac_read_search",
    "--ambient-caps=+dac_read_search",
)
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def livestream(*arguments: str, wrapper: Sequence[str] = (), **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*wrapper, sys.executable, "-m", "livestream", *arguments],
        env=clean_environ(**environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def refusal(*arguments: str, wrapper: Sequence[str] = (), **environ: str) -> str:
    """The one line with which a command refuses to work."""
    done = livestream(*arguments, wrapper=wrapper, **environ)
    assert done.returncode == 2, done
    assert done.stderr.startswith("livestream: "), done
    assert done.stderr.count("\n") == 1, done
    return done.stderr


def python(code: str, **environ: str) -> str:
    """Run a few lines in a process of their own; what they print."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env=clean_environ(**environ),
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
