"""Build: the two C programs, compiled once for this machine into a folder of the user's cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parent / "c"
FLAGS = ("-O2", "-std=gnu11", "-Wall", "-Wextra")


class BuildError(Exception):
    """The text says what to install or what the compiler said."""


@dataclass(frozen=True, slots=True)
class Programs:
    fanload: Path  #: the load client
    csend: Path  #: the limit


def build(folder: Path | None = None) -> Programs:
    """Compile what is not compiled yet.

    Raises:
        BuildError: there is no C compiler, no zlib, or it does not compile.
    """
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise BuildError("the benchmark's client is C: install a compiler and zlib (Debian: gcc zlib1g-dev)")
    files = sorted([*SOURCES.glob("*.c"), *SOURCES.glob("*.h")])
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
    cache = folder or Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "livestream-bench"
    target = cache / digest
    programs = Programs(target / "fanload", target / "csend")
    if not (programs.fanload.exists() and programs.csend.exists()):
        target.mkdir(parents=True, exist_ok=True)
        limit = SOURCES / "csend.c"
        client = [file for file in files if file.suffix == ".c" and file != limit]
        _compile(compiler, [limit], programs.csend)
        _compile(compiler, client, programs.fanload, "-lz")
    return programs


def _compile(compiler: str, files: list[Path], target: Path, *libraries: str) -> None:
    partial = target.with_suffix(".partial")
    done = subprocess.run(
        [compiler, *FLAGS, "-o", str(partial), *map(str, files), *libraries], capture_output=True, text=True
    )
    if done.returncode:
        raise BuildError(f"{target.name} does not compile:\n{done.stderr}")
    partial.rename(target)
