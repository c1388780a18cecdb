"""Run: `python -m loadtest.bench.run`, which `make bench` calls. Measures, writes results, tells what was missed."""

from __future__ import annotations

import functools
import os
import sys

import click

from .benchmarks import BENCHMARKS
from .build import BuildError, Programs, build
from .client import ClientError
from .figures import Benchmark, Round
from .machine import describe, send_is_compiled
from .profiling import profile
from .render import page, row
from .results import FOLDER, BenchmarkResult, Results, conclude, load_all, save
from .rounds import FULL, QUICK, Scale, Watch, not_watched, take_round
from .servers import ServerError
from .stats import void_reason

_NAMES = [benchmark.name for benchmark in BENCHMARKS]


@click.command()
@click.option("--rounds", default=3, show_default=True, help="Interleaved rounds; the figures are their medians.")
@click.option("--only", multiple=True, type=click.Choice(_NAMES), help="Only this benchmark; may be given again.")
@click.option("--quick", is_flag=True, help="A tenth of the viewers, short phases, one round, nothing written.")
@click.option(
    "--profile", "profiled", is_flag=True, help="One round with py-spy and perf; profiles written, no results."
)
def main(rounds: int, only: tuple[str, ...], quick: bool, profiled: bool) -> None:
    """Measure the gateway against the limit, a C loop of send(2).

    Needs two cores, a C compiler with zlib, and the `embedded` extra.
    """
    if len(os.sched_getaffinity(0)) < 2:
        raise click.ClickException("the benchmark needs two cores: one for the gateway, one for the client")
    try:
        if not send_is_compiled():
            raise click.ClickException("the send loop is not compiled: a compiler or Python's headers are missing")
        programs = build()
        scale, rounds = (QUICK, 1) if quick else (FULL, 1 if profiled else rounds)
        chosen = [benchmark for benchmark in BENCHMARKS if not only or benchmark.name in only]
        results = [_measure(benchmark, rounds, programs, scale, profiled) for benchmark in chosen]
    except (BuildError, ClientError, ServerError) as error:
        raise click.ClickException(str(error)) from None
    if not quick and not profiled:
        path = save(Results(f"python -m loadtest.bench.run --rounds {rounds}", describe(), results))
        (FOLDER / "results.md").write_text(page(load_all()))
        click.echo(f"written: {path}")
    missed = [result.name for result in results for figure in result.figures if figure.verdict == "missed"]
    sys.exit(1 if missed and not quick else 0)


def _measure(benchmark: Benchmark, rounds: int, programs: Programs, scale: Scale, profiled: bool) -> BenchmarkResult:
    click.echo(f"\n{benchmark.name}: {benchmark.title}")
    watch: Watch = not_watched
    if profiled:
        FOLDER.mkdir(exist_ok=True)
        watch = functools.partial(profile, target=FOLDER / f"profile-{benchmark.name}.txt")
    taken: list[Round] = []
    good = 0
    most = 1 if profiled else 2 * rounds  # a void round is taken again, but not forever
    while good < rounds and len(taken) < most:
        taken.append(take_round(benchmark, len(taken), programs, scale, watch))
        reason = void_reason(taken[-1])
        good += reason is None
        click.echo(f"  round {len(taken)}: " + (f"void, {reason}" if reason else _glance(benchmark, taken[-1])))
    result = conclude(benchmark, taken)
    for figure in result.figures:
        click.echo("  " + row(figure))
    return result


def _glance(benchmark: Benchmark, round_: Round) -> str:
    figure = benchmark.figures[0]
    return f"{figure.name}: {figure.value(round_):.4g}"


if __name__ == "__main__":
    main()
