"""Screen: shows a tally while it grows: a live panel on a terminal, else a plain line each second."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .tally import Tally

_REFRESH_S = 0.25
_LANES = ("log", "live", "gauge", "direct")


async def show(tally: Tally, title: str, console: Console, stop: asyncio.Event, say: Callable[[str], None]) -> None:
    """Show it until `stop`."""
    if not console.is_terminal:
        while not await _stopped(stop, 1.0):
            say(tally.line())
        return
    with Live(panel(tally, title), console=console, auto_refresh=False, transient=True) as live:
        while not await _stopped(stop, _REFRESH_S):
            live.update(panel(tally, title), refresh=True)


async def _stopped(stop: asyncio.Event, within_s: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), within_s)
    except TimeoutError:
        return False
    return True


def panel(tally: Tally, title: str) -> Group:
    """What is seen on a terminal."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold")
    table.add_column(min_width=60)
    table.add_row("arrivals", _arrivals(tally))
    table.add_row("connected", f"{tally.connected} of {tally.wanted}" + _if(tally.reconnects, "reconnects"))
    table.add_row("comments", f"{tally.sent} sent · {tally.acked} acknowledged")
    table.add_row("", f"{tally.shown} shown · {tally.left_out} left out of the screens, archived all the same")
    table.add_row("likes", str(tally.likes))
    table.add_row("received", " · ".join(f"{lane} {tally.received[lane]}" for lane in _LANES))
    table.add_row("refused", _counts(tally.refusals, "nothing"))
    table.add_row("own lag", _lag(tally.lag_ms))
    if tally.failed:
        table.add_row("failed", Text(f"{tally.failed}: {_counts(tally.troubles, '')}", style="red"))
    hint = Text("Ctrl-C stops the crowd; the show goes on.", style="dim")
    return Group(Text(title, style="bold"), Text(), table, Text(), hint)


def _arrivals(tally: Tally) -> Table:
    row = Table.grid(padding=(0, 1))
    row.add_row(ProgressBar(total=tally.wanted, completed=tally.arrived, width=40), f"{tally.arrived}/{tally.wanted}")
    return row


def _lag(lag_ms: float) -> Text:
    late = lag_ms > 100
    advice = "  this process is at its limit: fewer viewers, or a second demo beside it" if late else ""
    return Text(f"{lag_ms:.0f} ms{advice}", style="yellow" if late else "")


def _counts(counts: Counter[str], none: str) -> str:
    return " · ".join(f"{name} {count}" for name, count in counts.most_common(5)) or none


def _if(count: int, what: str) -> str:
    return f" · {count} {what}" if count else ""
