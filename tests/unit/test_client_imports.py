"""The client is for everybody's programs: it brings the wire along and nothing of the server."""

from __future__ import annotations

import ast
from pathlib import Path

import livestream

_ALLOWED = ("livestream.protocol", "livestream.client")


def test_the_client_imports_the_protocol_and_itself_alone() -> None:
    files = sorted(Path(livestream.__file__).parent.glob("client*.py"))
    assert len(files) > 1
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file.name}: relative imports hide where things come from"
                names = [node.module or ""]
            for name in names:
                ours = name.split(".")[0] in ("livestream", "gateway", "loadtest", "lottery", "groupbuy")
                assert not ours or name.startswith(_ALLOWED), f"{file.name} imports {name}"
