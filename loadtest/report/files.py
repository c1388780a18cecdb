"""Files: a result as HTML, JSON and JUnit, never over older ones."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from .. import result as results
from ..result import Result
from .junit import junit
from .page import page


def write(result: Result, folder: Path) -> list[Path]:
    """Write all three; where they are."""
    name = f"{result.scenario}-{datetime.now(UTC).strftime('%Y%m%d-%H%M%S-%f')[:-3]}"
    files = {".html": page(result).encode(), ".json": results.encode(result), ".xml": junit(result).encode()}
    for ending, data in files.items():
        (folder / f"{name}{ending}").write_bytes(data)
    return [folder / f"{name}{ending}" for ending in files]
