"""Visitors: people with real browsers in one show, and what each has on the screen."""

from __future__ import annotations

import re
import secrets
import subprocess
import sys
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from livestream import seed
from tests.support.shows import Show

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}
WAIT_MS = 15_000
expect.set_options(timeout=WAIT_MS)


@dataclass
class Trouble:
    """What no page may do in any test: open a dialog, throw, or ask another server than the checkout."""

    checkout: str = ""  #: host and port of the sandbox
    seen: list[str] = field(default_factory=list)

    def watch(self, page: Page, origin: str) -> None:
        page.on("pageerror", lambda error: self.seen.append(f"threw {error}"))
        page.on("request", lambda request: self._requested(request.url, origin))
        page.on("websocket", lambda socket: self._requested(socket.url, origin))
        page.on("console", lambda message: self._said(message.text))
        page.on("dialog", lambda dialog: self.seen.append(f"dialog {dialog.message}"))

    def _requested(self, url: str, origin: str) -> None:
        if urlsplit(url).netloc not in (urlsplit(origin).netloc, self.checkout):
            self.seen.append(f"asked {url}")

    def _said(self, text: str) -> None:
        if "Content Security Policy" in text:
            self.seen.append(text)


class Visitor:
    """One person's page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.keyboard = page.keyboard
        self.host_messages = page.locator(".host-message .host-text")
        self.comments = page.locator(".comment")
        self.comment_texts = page.locator(".comment .text")
        self.show_state = page.get_by_test_id("show-state")

    def comment_of(self, text: str) -> Locator:
        return self.comments.filter(has_text=text)


class Viewer(Visitor):
    """A viewer's page."""

    @property
    def field(self) -> Locator:
        return self.page.get_by_label("Your comment")

    async def says(self, text: str, name: str | None = None) -> None:
        """Write a comment; the name is given when the page asks for one."""
        await self.field.fill(text)
        await self.field.press("Enter")
        if name is not None:
            await self.page.get_by_label("What should we call you?").fill(name)
            await self.keyboard.press("Enter")
        await expect(self.field).to_have_value("")


class Host(Visitor):
    """The host's page."""

    async def says(self, text: str, *, pin: bool = False) -> None:
        field = self.page.get_by_label("Say it to everyone")
        await field.fill(text)
        if pin:
            await self.page.get_by_label("Pin it").check()
        await field.press("Control+Enter")
        await expect(field).to_have_value("")

    async def presses(self, *names: str) -> None:
        for name in names:
            await self.page.get_by_role("button", name=name, exact=True).click()


class Visitors:
    """Opens pages of one show, each person in a browser profile of their own."""

    def __init__(self, show: Show, browser: Browser) -> None:
        self.show = show
        self.origin = f"http://localhost:{show.port}"
        self.trouble = Trouble(checkout=urlsplit(show.environ["LIVESTREAM_SANDBOX_URL"]).netloc)
        self._browser = browser
        self._tokens: dict[str, str] = {}
        self._profiles: list[BrowserContext] = []

    async def viewer(self, link: str | None = None, context: BrowserContext | None = None) -> Viewer:
        """Somebody with a phone who opens the room's address, or a link that signs them in."""
        page = await self._open(link or f"{self.origin}/r/{seed.ROOM}", context or await self.profile(PHONE))
        viewer = Viewer(page)
        await expect(viewer.show_state).not_to_have_text("No show yet")
        return viewer

    async def host(self, link: str | None = None) -> Host:
        """The host at a desk, with a fresh link."""
        page = await self._open(link or self.link("host", "Ada"), await self.profile(DESK))
        await expect(page.get_by_test_id("connection")).to_contain_text("Connected")
        return Host(page)

    async def profile(self, size: dict[str, int]) -> BrowserContext:
        made = await self._browser.new_context(viewport={"width": size["width"], "height": size["height"]})
        self._profiles.append(made)
        return made

    async def leave(self) -> None:
        """Close every page."""
        for profile in self._profiles:
            await profile.close()

    async def _open(self, url: str, context: BrowserContext) -> Page:
        page = await context.new_page()
        self.trouble.watch(page, self.origin)
        await page.goto(url)
        return page

    async def stranger(self, url: str) -> Page:
        """Whoever opens this address, whatever it shows them."""
        return await self._open(url, await self.profile(DESK))

    async def asks(
        self, role: str, path: str, who: str = "api", method: str = "POST", /, **body: object
    ) -> dict[str, object]:
        """What somebody of the shop asks over HTTP; the answer, or the refusal."""
        person = f"{role}-{who}"
        if person not in self._tokens:
            self._tokens[person] = self._command("token", "--role", role, "--viewer", person)
        headers = {"Authorization": f"Bearer {self._tokens[person]}", "Idempotency-Key": secrets.token_hex(8)}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, f"{self.show.url}/v1/{path}", json=body) as response,
        ):
            answer: dict[str, object] = await response.json()
            return answer

    def _command(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "livestream", *self.show.options, *arguments]
        made = subprocess.run(command, capture_output=True, text=True, check=True, env=self.show.environ)
        return made.stdout.strip()

    def link(self, role: str, name: str, viewer: str | None = None) -> str:
        """A one-use link from the command line."""
        return self._command("token", "--link", "--role", role, "--name", name, "--viewer", viewer or name.lower())

    def first_link(self) -> str:
        """The host link that `serve` printed."""
        found = re.search(r"host page +(\S+)", self.show.output())
        assert found is not None, self.show.output()
        return found.group(1)
