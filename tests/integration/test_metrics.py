"""Metrics: right over several processes, and not for the public in production."""

from __future__ import annotations

import json
import re
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from livestream.metrics import FOLDER, forget_process
from livestream.storage.pool import Database
from tests.support.commands import python
from tests.support.gateways import Gateways, status_of
from tests.support.people import People
from tests.support.ports import free_port
from tests.support.shows import wait_for


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as response:
        text: str = response.read().decode()
        return text


def value(exposition: str, name: str) -> float:
    """Sum over a metric's labels."""
    return sum(float(line.split()[-1]) for line in exposition.splitlines() if re.match(rf"{name}[ {{]", line))


async def joined(running: Gateways, people: People, number: int) -> ClientConnection:
    viewer = await connect(running.ws_url, subprotocols=[Subprotocol("livestream.v1.json")])
    token = people.token(f"viewer-{number}")
    await viewer.send(json.dumps([{"t": "join", "ref": 1, "room": people.room, "token": token}]))
    assert json.loads(await viewer.recv())[0]["t"] == "joined"
    return viewer


async def test_any_process_answers_for_all(start_gateway: Callable[..., Gateways], people: People) -> None:
    running = start_gateway(count=2)
    sockets = [await joined(running, people, number) for number in range(30)]
    # Who was let in is counted a moment after they know.
    wait_for(lambda: value(get(f"{running.url}/metrics"), "livestream_joins_total") == 30, seconds=10)
    for _ in range(10):  # each a new connection, so both processes are asked
        exposition = get(f"{running.url}/metrics")
        assert value(exposition, "livestream_joins_total") == 30
        assert value(exposition, "livestream_connections") == 30
    for viewer in sockets:
        await viewer.close()
    wait_for(lambda: value(get(f"{running.url}/metrics"), "livestream_connections") == 0, seconds=10)
    assert value(get(f"{running.url}/metrics"), "livestream_joins_total") == 30


async def test_in_production_metrics_have_a_port_of_their_own(
    start_gateway: Callable[..., Gateways], database: Database
) -> None:
    async with database.transaction() as tx:
        await tx.execute("UPDATE shop SET demo = false")
    port = free_port()
    running = start_gateway(profile="production", metrics_port=port)
    assert "livestream_frames_total" in get(f"http://127.0.0.1:{port}/metrics")
    for path in ("/metrics", "/metrics/", "//metrics", "/r/../metrics", "/%6detrics"):
        assert status_of(running.url + path) == 404, path


def test_the_metrics_port_is_bound_where_it_was_told(start_gateway: Callable[..., Gateways]) -> None:
    port = free_port()
    start_gateway(metrics_host="127.0.0.2", metrics_port=port)
    assert "livestream_" in get(f"http://127.0.0.2:{port}/metrics")
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


_WORK = """
import os
from livestream import metrics
metrics.CONNECTIONS.labels("json").set(7)
metrics.FRAMES.inc(5)
print(os.getpid())
"""
_SHOW = "from livestream import metrics; print(metrics.render()[0].decode())"


def test_a_process_that_died_is_no_longer_counted(tmp_path: Path) -> None:
    """Its gauges go; its counters stay, so that rates are right."""
    shared = {FOLDER: str(tmp_path)}
    pid = int(python(_WORK, **shared))
    assert value(python(_SHOW, **shared), "livestream_connections") == 7
    forget_process(tmp_path, pid)
    after = python(_SHOW, **shared)
    assert value(after, "livestream_connections") == 0
    assert value(after, "livestream_frames_total") == 5
