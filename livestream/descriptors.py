"""Descriptors: how many sockets and files this process may have open. Shells allow 1,024, systems more."""

from __future__ import annotations

import resource

_UNLIMITED = 1 << 20  #: what "no limit" is taken for; the kernel's own default for one process


def raise_limit() -> int:
    """Ask for all that the system allows; returns how many that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _UNLIMITED if hard == resource.RLIM_INFINITY else hard
    if soft == resource.RLIM_INFINITY or soft >= most:
        return most
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most
