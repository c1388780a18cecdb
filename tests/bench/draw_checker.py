"""How long a browser takes to check a draw: `python -m tests.bench.draw_checker`. Needs Chromium and the built pages.

The page `/check` of the built pages is opened in Chromium, is handed a proof as a file, and is timed from the file to
the verdict. Beside it stand the time of the check alone, the longest time for which the page did not answer, and what
hashing as often with WebCrypto, awaiting each, takes in the same browser. The engine of the server's side, in Python,
is timed too. One JSON object a round on standard output.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import platform
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import msgspec
from aiohttp import web
from playwright.async_api import Browser, async_playwright

from lottery import conduct, merkle
from lottery.verify import verify
from tests.support import draws
from tests.support.draws import UNEVEN, Plan

DIST = Path(__file__).parents[2] / "gateway" / "web" / "dist"
_LONGEST = """() => {
  window.longest = 0;
  let before = performance.now();
  const beat = () => {
    const now = performance.now();
    window.longest = Math.max(window.longest, now - before);
    before = now;
    setTimeout(beat);
  };
  beat();
}"""
_MARKS = """() => performance.getEntriesByType("mark")
  .filter(({ name }) => name.startsWith("draw-check "))
  .map(({ name, startTime }) => [name.slice(11), startTime])"""
_SUBTLE = """async (times) => {
  const bytes = new Uint8Array(65);
  const from = performance.now();
  for (let at = 0; at < times; at++) await crypto.subtle.digest("SHA-256", bytes);
  return performance.now() - from;
}"""


async def served() -> tuple[web.AppRunner, str]:
    """The built pages on a port of this machine."""

    async def page(request: web.Request) -> web.FileResponse:
        return web.FileResponse(DIST / "check.html")

    app = web.Application()
    app.router.add_get("/check", page)
    app.router.add_static("/assets", DIST / "assets")
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, f"http://localhost:{runner.addresses[0][1]}/check"


async def in_browser(browser: Browser, address: str, file: Path, entries: int) -> dict[str, Any]:
    page = await browser.new_page()
    await page.goto(address)
    await page.get_by_label("Proof as text").wait_for()
    await page.evaluate(_LONGEST)
    begun = time.monotonic()
    await page.locator("input[type=file]").set_input_files(file)
    await page.get_by_test_id("verdict").wait_for(timeout=120_000)
    whole_ms = (time.monotonic() - begun) * 1000
    title = await page.get_by_test_id("verdict").locator("b").first.inner_text()
    marks = await page.evaluate(_MARKS)
    steps = {name: round(after - at, 1) for (name, at), (_, after) in itertools.pairwise(marks)}
    longest_ms = await page.evaluate("window.longest")
    await page.wait_for_timeout(300)
    subtle_ms = await page.evaluate(_SUBTLE, 2 * entries)
    await page.close()
    return {
        "verdict": title,
        "file_to_verdict_ms": round(whole_ms),
        "check_ms": round(marks[-1][1] - marks[0][1]),
        "steps": {name: taken for name, taken in steps.items() if taken >= 5},
        "longest_silence_ms": round(longest_ms),
        "webcrypto_as_many_hashes_ms": round(subtle_ms),
    }


def in_python(document: bytes, plan: Plan) -> dict[str, Any]:
    begun = time.perf_counter()
    report = verify(document)
    verified = time.perf_counter()
    assert report.ok
    entries = draws.entries_of(plan)
    made = time.perf_counter()
    root = merkle.root(conduct.leaves(plan.draw_id.hex(), entries))
    rooted = time.perf_counter()
    assert len(root) == 32
    return {"verify_ms": round((verified - begun) * 1000), "leaves_and_root_ms": round((rooted - made) * 1000)}


async def run(entries: int, rounds: int) -> None:
    plan = Plan("bench", entries, prizes=(("A bag", 100),), reserves=100, tier="drand", weights=UNEVEN)
    document = msgspec.json.encode(draws.drawn(plan))
    runner, address = await served()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "proof.json"
        file.write_bytes(document)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=shutil.which("chromium") or shutil.which("google-chrome"), args=["--no-sandbox"]
            )
            found = []
            for _ in range(rounds):
                found.append({**await in_browser(browser, address, file, entries), **in_python(document, plan)})
                sys.stdout.write(json.dumps(found[-1]) + "\n")
            about = {"entries": entries, "proof_bytes": len(document), "chromium": browser.version}
            await browser.close()
    await runner.cleanup()
    median = {name: statistics.median(each[name] for each in found) for name in found[0] if name.endswith("_ms")}
    sys.stdout.write(json.dumps({**about, "machine": platform.platform(), "median": median}) + "\n")


@click.command()
@click.option("--entries", default=20_000, show_default=True)
@click.option("--rounds", default=5, show_default=True)
def main(entries: int, rounds: int) -> None:
    """Time the check of a draw in Chromium."""
    asyncio.run(run(entries, rounds))


if __name__ == "__main__":
    main()
