"""Verify: `livestream draw verify`, run as anybody would run it."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from ..interrupt import deaf

_TIMEOUT_S = 60.0


async def verify(proof: bytes, receipt: Any = None) -> str:
    """Check a proof, and that a receipt belongs to it; says what is wrong, or nothing."""
    with tempfile.TemporaryDirectory(prefix="loadtest-draw-") as folder:
        words = ["draw", "verify", "-", "--json"]
        if receipt is not None:
            held = Path(folder) / "receipt.json"
            held.write_bytes(msgspec.json.encode(receipt))
            words += ["--receipt", str(held)]
        with deaf():
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "livestream", *words,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                said, complaint = await process.communicate(proof)
        except TimeoutError:
            process.kill()
            await process.wait()
            return f"`livestream draw verify` does not end within {_TIMEOUT_S:g} s"
    if process.returncode == 0:
        return ""
    return _why(said) or f"exit code {process.returncode}: {complaint.decode('utf-8', 'replace')[-300:].strip()}"


def _why(said: bytes) -> str:
    try:
        report = msgspec.json.decode(said)
    except msgspec.DecodeError:
        return ""
    step: dict[str, str] = next((each for each in report["steps"] if each["name"] == report["failed"]), {})
    return f"fails at {report['failed']}: {step.get('text', '')}"
