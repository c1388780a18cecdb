"""Gateways die, lines break: pages come back by themselves and show what they missed, once and in order."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from playwright.async_api import expect

from tests.e2e.visitors import Visitors
from tests.support.shows import Show, wait_for

pytestmark = [pytest.mark.alone, pytest.mark.asyncio(loop_scope="session")]


def gateways(show: Show) -> list[int]:
    """Pids of the gateway processes that run now."""
    return [pid for pid, command in show.processes().items() if command.rstrip().endswith("livestream gateway")]


def kill_gateways(show: Show) -> None:
    """kill -9 of both gateway processes, once both are there again."""
    wait_for(lambda: len(gateways(show)) == 2, show)
    for pid in gateways(show):
        os.kill(pid, signal.SIGKILL)


async def test_after_kill_9_of_all_gateways_every_page_shows_every_message_once(visitors: Visitors) -> None:
    host = await visitors.host()
    viewers = await asyncio.gather(*(visitors.viewer() for _ in range(3)))
    await host.says("before")
    for viewer in viewers:
        await expect(viewer.host_messages).to_have_text(["before"])
    for round_number in range(2):
        kill_gateways(visitors.show)
        await host.says(f"sent into the silence {round_number}")
    said = ["before", "sent into the silence 0", "sent into the silence 1"]
    for viewer in viewers:
        await expect(viewer.host_messages).to_have_text(said, timeout=30_000)
    await expect(host.host_messages).to_have_text(said[::-1])


async def test_a_viewer_who_was_offline_sees_what_was_said_meanwhile(visitors: Visitors) -> None:
    host, viewer = await visitors.host(), await visitors.viewer()
    await viewer.says("before", name="Mia")
    await viewer.page.context.set_offline(True)
    kill_gateways(visitors.show)
    await expect(viewer.page.locator(".banner")).to_contain_text("You are offline", timeout=30_000)
    await host.says("you were away")
    await host.says("and still are")
    await expect(viewer.host_messages).to_have_count(0)
    await viewer.page.context.set_offline(False)
    await expect(viewer.host_messages).to_have_text(["you were away", "and still are"])
    await expect(viewer.page.locator(".banner")).to_have_count(0)
    await viewer.says("back again")
    await expect(viewer.comment_of("before")).to_have_class("comment own")
    await expect(viewer.comment_of("back again")).to_have_class("comment own")


async def test_a_show_that_was_stopped_and_started_again_finds_its_viewers(visitors: Visitors) -> None:
    host, viewer = await visitors.host(), await visitors.viewer()
    await host.says("before")
    visitors.show.stop()
    wait_for(lambda: not visitors.show.processes(), visitors.show)
    await expect(viewer.page.locator(".banner")).to_contain_text("Reconnecting")
    await asyncio.to_thread(visitors.show.start_again)
    await viewer.page.get_by_role("button", name="Try now").or_(viewer.page.locator(".host-message")).first.click()
    await host.says("after")
    await expect(viewer.host_messages).to_have_text(["before", "after"], timeout=30_000)
