"""Page: the report as one HTML file that needs nothing else. Pure."""

from __future__ import annotations

from html import escape

from ..histogram import Percentiles
from ..result import Result, Second
from ..thresholds import parse
from .svg import Series, chart

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2128; --dim: #667080; --paper: #fff; --card: #f5f6f8; --line: #d9dde3;
  --ok: #1a7f4b; --bad: #c4314b; --warn: #a86400; --s0: #2563eb; --s1: #d9480f; --s2: #0f8b6d; --s3: #9333ea;
  --s4: #b58900; --s5: #64748b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --dim: #98a2b3; --paper: #14171c; --card: #1d2229;
  --line: #333b46; --ok: #4cc38a; --bad: #ff7085; --warn: #f0b429; --s0: #6ea8fe; --s1: #ff9966; --s2: #45d0a8;
  --s3: #c792ff; --s4: #e6c34a; --s5: #a3b0c2; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 900px;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.verdict { display: inline-block; padding: .1rem .7rem; border-radius: 1rem; color: var(--paper); font-weight: 600; }
.passed { background: var(--ok); } .failed { background: var(--bad); }
.void, .interrupted { background: var(--warn); }
.dim, small { color: var(--dim); } .ok { color: var(--ok); } .bad { color: var(--bad); } .none { color: var(--warn); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .5rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td.mark { width: 1.2rem; } .wide { overflow-x: auto; }
th { color: var(--dim); font-weight: 500; } th:first-child, td:first-child, td.text { text-align: left; }
figure { background: var(--card); border-radius: .5rem; margin: .8rem 0; padding: .6rem .8rem; }
figcaption { font-weight: 600; } .key { font-weight: 400; margin-left: .9rem; color: var(--dim); }
.key i { display: inline-block; width: .8rem; height: .2rem; margin-right: .3rem; vertical-align: middle; }
svg { width: 100%; height: auto; display: block; } svg path { fill: none; stroke-width: 1.8; stroke-linecap: round; }
.grid { stroke: var(--line); } .phase { stroke: var(--dim); stroke-dasharray: 3 3; opacity: .6; }
.limit { stroke: var(--bad); stroke-dasharray: 6 4; } rect.fault { fill: var(--bad); opacity: .18; }
text { font-size: 11px; fill: var(--dim); } text.fault { fill: var(--bad); }
""" + "".join(
    f".s{number} {{ stroke: var(--s{number}); }} .k{number} {{ background: var(--s{number}); }}" for number in range(6)
)


_DONE = {"actions due": "due", "sent": "sent", "too late": "too_late", "joins": "joins"}


def page(result: Result) -> str:
    """The whole file."""
    title = f"{result.scenario}: {result.verdict}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"{_head(result)}{_promises(result)}{_thresholds(result)}{_charts(result)}{_metrics(result)}{_totals(result)}"
        "</body></html>\n"
    )


def _head(result: Result) -> str:
    reasons = "".join(f"<li>{escape(each)}</li>" for each in result.reasons)
    return (
        f'<h1>{escape(result.scenario)} <span class="verdict {result.verdict}">{result.verdict}</span></h1>'
        f"<p>{escape(result.text)}</p>"
        f'<p class="dim">{result.viewers:,} viewers, {result.seconds:.0f} s, {escape(result.target)}, '
        f"{escape(result.started_at)} UTC</p>" + (f"<ul>{reasons}</ul>" if reasons else "")
    )


def _promises(result: Result) -> str:
    rows = []
    for each in result.findings:
        mark, kind = ("–", "none") if each.ok is None else ("✓", "ok") if each.ok else ("✗", "bad")
        examples = "".join(f"<br><small>{escape(example)}</small>" for example in each.examples)
        rows.append(
            f'<tr><td class="mark {kind}">{mark}</td><td class="text">{escape(each.name)}</td>'
            f'<td class="text">{escape(each.text)}{examples}</td></tr>'
        )
    return f"<h2>Promises</h2><table>{''.join(rows)}</table>"


def _thresholds(result: Result) -> str:
    rows = "".join(
        f'<tr><td class="mark {"ok" if each.ok else "bad"}">{"✓" if each.ok else "✗"}</td>'
        f'<td class="text">{escape(each.text)}</td><td>{escape(each.shown)}</td></tr>'
        for each in result.thresholds
    )
    return f"<h2>Thresholds</h2><table>{rows}</table>"


def _charts(result: Result) -> str:
    seconds, marks = result.timeline, result.marks
    server = sorted({name for each in seconds for name in each.server})
    drawn = [
        chart("Viewers", "present", [Series("viewers", [each.present for each in seconds])], marks),
        chart("Received", "frames a second", _rates(seconds, {"frames": "frames_in"}), marks),
        chart("Done", "a second", _rates(seconds, _DONE), marks),
        *(
            chart(f"Latency: {metric}", "ms", _latency(seconds, metric), marks, most=_limit(result, metric))
            for metric in sorted(result.metrics)
        ),
        chart("Trouble", "a second", _trouble(seconds), marks),
        chart("The driver's own CPU", "cores", [Series("all workers", [each.driver_cpu for each in seconds])], marks),
        chart("The driver's own lateness", "ms", [Series("worst", [each.late_ms for each in seconds])], marks),
        *(
            chart(f"Server: {name}", "", [Series(name, [each.server.get(name) for each in seconds])], marks)
            for name in server
        ),
    ]
    return "<h2>Timeline</h2>" + "".join(drawn)


def _rates(seconds: list[Second], names: dict[str, str]) -> list[Series]:
    return [Series(name, [each.counts.get(key, 0) for each in seconds]) for name, key in names.items()]


def _trouble(seconds: list[Second]) -> list[Series]:
    def ended(second: Second) -> int:
        return sum(count for name, count in second.counts.items() if name.startswith("ended."))

    return [
        Series("dropped", [each.counts.get("dropped", 0) for each in seconds]),
        Series("refused", [each.counts.get("refused", 0) for each in seconds]),
        Series("lines ended", [ended(each) for each in seconds]),
        Series("gaps and repeats", [each.counts.get("gaps", 0) + each.counts.get("repeats", 0) for each in seconds]),
    ]


def _latency(seconds: list[Second], metric: str) -> list[Series]:
    times = [each.times.get(metric) for each in seconds]
    return [
        Series("p50", [None if each is None else each.p50 for each in times]),
        Series("p99", [None if each is None else each.p99 for each in times]),
    ]


def _limit(result: Result, metric: str) -> float | None:
    """The first threshold of a metric over all phases, to draw."""
    for each in result.thresholds:
        threshold = parse(each.text)
        if threshold.metric == metric and threshold.phase is None and threshold.percentile is not None:
            return threshold.most
    return None


def _metrics(result: Result) -> str:
    tables = [("all phases, without the time of faults", result.metrics)]
    tables += list(result.phases.items())
    if result.under_faults:
        tables.append(("while something was broken", result.under_faults))
    return "<h2>Latency in ms</h2>" + "".join(_table(name, metrics) for name, metrics in tables if metrics)


def _table(name: str, metrics: dict[str, Percentiles]) -> str:
    rows = "".join(
        f"<tr><td>{escape(metric)}</td><td>{each.count:,}</td><td>{each.p50:.1f}</td><td>{each.p90:.1f}</td>"
        f"<td>{each.p99:.1f}</td><td>{each.p999:.1f}</td><td>{each.max:.1f}</td></tr>"
        for metric, each in metrics.items()
    )
    head = "<tr><th></th><th>count</th><th>p50</th><th>p90</th><th>p99</th><th>p99.9</th><th>max</th></tr>"
    return f'<h3>{escape(name)}</h3><div class="wide"><table>{head}{rows}</table></div>'


def _totals(result: Result) -> str:
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{count:,}</td></tr>" for name, count in result.totals.items())
    driver = "".join(f"<tr><td>{escape(name)}</td><td>{value:g}</td></tr>" for name, value in result.driver.items())
    faults = "".join(
        f"<tr><td>{escape(mark.text)}</td><td>at {mark.at_s:.1f} s</td><td>for {mark.seconds:.1f} s</td><td>"
        + ("not recovered" if mark.recovered_s is None else f"well again after {mark.recovered_s:.1f} s")
        + "</td></tr>"
        for mark in result.marks
        if mark.kind == "fault"
    )
    machine = ", ".join(f"{name} {value}" for name, value in {**result.machine, **result.settings}.items())
    return (
        (f"<h2>Faults</h2><table>{faults}</table>" if faults else "")
        + f"<h2>Counts</h2><table>{rows}</table><h2>The driver</h2><table>{driver}</table>"
        f'<p class="dim">{result.workers} processes, seed {result.seed}; {escape(machine)}</p>'
    )
