"""Folders in which stores can run."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A temporary folder that others may walk through: under root the stores run as somebody else.

    pytest's own `tmp_path` is closed to them, and often too long for a socket's name.
    """
    with tempfile.TemporaryDirectory(prefix="livestream-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder
