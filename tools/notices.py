"""Writes THIRD_PARTY_NOTICES.md: every runtime dependency with version and licence, from its own metadata."""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
_HEAD = """# Third-party notices

What an installation contains beside our own code, by package name, version and licence as the packages state them.
Licence texts come with each package. Written by `python tools/notices.py`.

"""


def python_packages() -> list[tuple[str, str, str]]:
    """Name, version and licence of what `requirements/run.lock` pins and this platform installs."""
    found = []
    for name, version in re.findall(
        r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)", (ROOT / "requirements/run.lock").read_text(), re.M
    ):
        try:
            found.append((name, version, _licence(name)))
        except PackageNotFoundError:
            continue
    return sorted(found)


def _licence(name: str) -> str:
    fields = metadata(name)
    stated = fields.get("License-Expression") or ""
    classifiers = [line.rpartition(" :: ")[2] for line in fields.get_all("Classifier") or [] if "License ::" in line]
    short = (fields.get("License") or "").strip().splitlines()[:1]
    return stated or ", ".join(classifiers) or (short[0][:60] if short else "see the package")


def npm_packages() -> list[tuple[str, str, str]]:
    """The same of the packages that are built into the pages."""
    lock = json.loads((ROOT / "gateway/web/package-lock.json").read_text())
    wanted = lock["packages"][""].get("dependencies", {})
    rows = [(name, lock["packages"][f"node_modules/{name}"]) for name in sorted(wanted)]
    return [(name, entry["version"], entry.get("license", "see the package")) for name, entry in rows]


def notices() -> str:
    """The whole file."""
    parts = [_HEAD]
    for title, rows in (("Python", python_packages()), ("Built into the pages", npm_packages())):
        lines = [f"## {title}\n", "| package | version | licence |", "|---|---|---|"]
        parts.append(
            "\n".join(lines + [f"| {name} | {version} | {licence} |" for name, version, licence in rows]) + "\n\n"
        )
    return "".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    (ROOT / "THIRD_PARTY_NOTICES.md").write_text(notices())
    sys.stdout.write("wrote THIRD_PARTY_NOTICES.md\n")
