"""Fixtures: a whole show as a process, with built pages, and a browser to visit it.

The browser serves the whole run, so tests here run in the session's loop.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from livestream.config import Settings
from tests.e2e.visitors import Visitors
from tests.support.ports import free_port
from tests.support.shows import Show, show

_BUILD = Path(__file__).parents[2] / "gateway" / "web" / "build.py"
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser; a missing one is a failure with one line, never a skip."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.fail("browser tests need Chromium: apt-get install chromium", pytrace=False)
    return found


@pytest.fixture(scope="session")
def pages() -> None:
    """The pages, built from their present sources."""
    built = subprocess.run([sys.executable, str(_BUILD)], capture_output=True, text=True, check=False)
    if built.returncode:
        pytest.fail(built.stderr or built.stdout, pytrace=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        yield running
        await running.close()


@pytest.fixture
def started_show(settings: Settings, tmp_path: Path, pages: None) -> Iterator[Show]:
    """`livestream serve` with two gateways, over the run's stores, in a database of its own. Shows every comment.

    Who used up their burst waits long, so that a test on a slow machine meets the limit too.
    """
    environ = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "LIVESTREAM_SECRET": settings.secret,
        "LIVESTREAM_DISPLAY_PER_S": "500",
        "LIVESTREAM_COMMENT_RATE_PER_S": "0.1",
        "LIVESTREAM_WEBHOOK_INSIDE": "127.0.0.1",
        "LIVESTREAM_STAFF_RATE_BURST": "1000",
        "LIVESTREAM_SANDBOX_URL": f"http://127.0.0.1:{free_port()}",
    }
    with show(tmp_path, "--gateways", "2", **environ) as started:
        started.wait_until_ready()
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def visitors(started_show: Show, browser: Browser) -> AsyncIterator[Visitors]:
    """People who visit the show. Whatever a test does, no page may throw, open a dialog or ask another server."""
    people = Visitors(started_show, browser)
    yield people
    await people.leave()
    assert people.trouble.seen == []
