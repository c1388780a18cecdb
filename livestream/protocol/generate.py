"""Generate: writes the files that follow from the structs, or with --check tells which are out of date."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from .edges import edges
from .examples import vectors
from .openapi import openapi
from .reference import reference
from .schema import schema
from .typescript import typescript
from .webhooks_page import webhooks_page

_ROOT = Path(__file__).parents[2]

#: what is generated, by path in the repository
FILES: dict[str, Callable[[], str]] = {
    "gateway/web/sdk/src/protocol.ts": typescript,
    "livestream/protocol/schema.json": schema,
    "livestream/protocol/openapi.json": openapi,
    "livestream/protocol/reference.md": reference,
    "docs/protocol.md": reference,
    "docs/webhooks.md": webhooks_page,
    "tests/golden/vectors.json": vectors,
    "tests/golden/edges.json": edges,
}


def stale() -> list[str]:
    """Files that are not what the structs say."""
    return [
        path
        for path, make in FILES.items()
        if not (_ROOT / path).exists() or (_ROOT / path).read_text("utf-8") != make()
    ]


def main(arguments: list[str]) -> int:
    old = stale()
    if "--check" in arguments:
        if old:
            sys.stderr.write(f"out of date: {', '.join(old)}; run `make generate`\n")
        return bool(old)
    for path in old:
        (_ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (_ROOT / path).write_text(FILES[path](), "utf-8")
        sys.stdout.write(f"wrote {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
