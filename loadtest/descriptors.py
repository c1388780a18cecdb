"""Descriptors: a process that holds a socket a viewer needs more files than a shell allows it, often 1,024."""

from __future__ import annotations

import contextlib
import resource


def allow_files() -> None:
    """As many as the system lets this process have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
