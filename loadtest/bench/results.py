"""Results: one JSON file a run of the benchmark, and the newest of each benchmark over all files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from .figures import Benchmark, Round
from .machine import Machine
from .stats import Summary, client_busy_pct, neighbours_pct, summarise, verdict, void_reason

FOLDER = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class FigureResult:
    name: str
    unit: str
    target: str
    summary: Summary | None  #: None: no round counts
    verdict: str
    rounds: list[float]


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    name: str
    title: str
    settings: dict[str, dict[str, str]]  #: by run
    figures: list[FigureResult]
    client_busy_pct: list[float]  #: a round
    neighbours_pct: list[float]  #: a round
    void: list[str | None]  #: a round: why it is left out of the medians; it is kept in `raw`
    raw: list[Round]


@dataclass(frozen=True, slots=True)
class Results:
    command: str
    machine: Machine
    benchmarks: list[BenchmarkResult]


def conclude(benchmark: Benchmark, rounds: list[Round]) -> BenchmarkResult:
    """Figures over the rounds that count."""
    void = [void_reason(round_) for round_ in rounds]
    good = [round_ for round_, reason in zip(rounds, void, strict=True) if reason is None]
    figures = []
    for figure in benchmark.figures:
        values = [figure.value(round_) for round_ in good]
        summary = summarise(values)
        figures.append(FigureResult(figure.name, figure.unit, figure.target, summary, verdict(figure, summary), values))
    return BenchmarkResult(
        benchmark.name,
        benchmark.title,
        {name: dict(run.settings) for name, run in benchmark.runs.items()},
        figures,
        [client_busy_pct(round_) for round_ in rounds],
        [neighbours_pct(round_) for round_ in rounds],
        void,
        rounds,
    )


def save(results: Results, folder: Path = FOLDER) -> Path:
    """Write `<date>-<commit>.json`; a second run of a commit on a day keeps what it did not measure anew."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{results.machine.date[:10]}-{results.machine.commit}.json"
    measured = {result.name for result in results.benchmarks}
    if path.exists():
        older = msgspec.json.decode(path.read_bytes(), type=Results)
        kept = [result for result in older.benchmarks if result.name not in measured]
        results = Results(results.command, results.machine, kept + results.benchmarks)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    return path


def load_all(folder: Path = FOLDER) -> list[Results]:
    """Oldest first."""
    results = [msgspec.json.decode(file.read_bytes(), type=Results) for file in folder.glob("*.json")]
    return sorted(results, key=lambda each: each.machine.date)
