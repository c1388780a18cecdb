"""Benchmarks: the table of what is measured and what must be reached. Pure.

Host messages have 128 bytes of text (the limit's frame has 128 bytes in all,
so the comparison is to our disadvantage); comments are sentences of the demo's
corpus. The phases are those of fanload, see README.md.
"""

from __future__ import annotations

from .figures import (
    DEFLATE,
    NO_FAULTS,
    SHOW_ALL,
    UNLIMITED,
    Benchmark,
    Figure,
    Line,
    Round,
    Run,
    Server,
    Taken,
    of,
    ratio,
)

_FLOOD = Run("flood:{s}:200:5", settings=SHOW_ALL, senders=1000)


def _against_limit(phase: str) -> dict[str, Run]:
    return {"livestream": Run(phase), "csend": Run(phase, server=Server.LIMIT)}


def _kept(line: Line) -> float:
    """Share of the deliveries that were due: comments that somebody did not get are missing."""
    return line["comment_deliveries"] / (line["comment_published"] * line["viewers"])


def _comments_per_s(taken: Taken) -> float:
    return taken.total("comment_deliveries") / taken.worst("secs")


def _wire_share(round_: Round) -> float:
    """Bytes a delivery, compressed over plain."""
    deflated, plain = round_["deflate"].phase(), round_["plain"].phase()
    return (deflated["bytes"] / deflated["deliveries"]) / (plain["bytes"] / plain["deliveries"])


def _unaccounted(round_: Round) -> float:
    """|offered - accepted - refused| + |accepted - archived, by fate| + |shown as told - shown as archived|."""
    taken = round_["livestream"]
    offered, ok, hidden = (taken.total(f"comments_{name}") for name in ("asked", "ok", "hidden"))
    fates = taken.fates
    return (
        abs(offered - ok - hidden - taken.total("comments_refused"))
        + abs(ok + hidden - sum(fates.values()))
        + abs(ok - fates.get("shown", 0))
    )


def _log_reads(round_: Round) -> float:
    return round_["livestream"].counters.get("livestream_log_reads_total", 0)


BENCHMARKS: tuple[Benchmark, ...] = (
    Benchmark(
        "closed1",
        "Host message to 5,000 viewers, the next when all have the last",
        _against_limit("closed:{s}:1"),
        (
            Figure("deliveries/s, share of csend", ratio("deliveries_per_s"), least=0.80),
            Figure("deliveries/s", of("deliveries_per_s")),
            Figure("deliveries/s of csend", of("deliveries_per_s", "csend")),
            Figure("gateway CPU a delivery", of("server_us_per_delivery"), "µs"),
            NO_FAULTS,
        ),
    ),
    Benchmark(
        "closed10",
        "The same, ten messages at a time",
        _against_limit("closed:{s}:10"),
        (
            Figure("deliveries/s, times csend", ratio("deliveries_per_s"), least=7),
            Figure("deliveries/s", of("deliveries_per_s")),
            Figure("deliveries/s of csend", of("deliveries_per_s", "csend")),
            NO_FAULTS,
        ),
    ),
    Benchmark(
        "paced20",
        "Host messages at 20 a second to 5,000 viewers, 100,000 deliveries/s offered",
        {**_against_limit("paced:{s}:20"), "in memory": Run("paced:{s}:20", in_memory=True)},
        (
            Figure("p99 until the last viewer, times csend", ratio("full_p99_ms"), most=1.5),
            # csend writes nothing down: what a slow fsync costs is in the figure above and not in this one
            Figure("the same, COMMIT without a disk, times csend", ratio("full_p99_ms", "in memory"), most=1.5),
            Figure("p99 until the last viewer", of("full_p99_ms"), "ms"),
            Figure("p99 until the last viewer, COMMIT without a disk", of("full_p99_ms", "in memory"), "ms"),
            Figure("p99 until the last viewer of csend", of("full_p99_ms", "csend"), "ms"),
            NO_FAULTS,
        ),
    ),
    Benchmark(
        "flood",
        "200 comments/s from 1,000 of 5,000 viewers, all shown, the host beside them",
        {"livestream": _FLOOD},
        (
            Figure("share of 1,000,000 deliveries/s that arrived", lambda r: _kept(r["livestream"].phase()), least=1),
            # the time runs on until the last viewer has the last comment
            Figure("deliveries/s, with the end", lambda r: _comments_per_s(r["livestream"]), least=980_000),
            Figure("comment p99", of("lat_p99_ms"), "ms", most=250),
            Figure("host message p99", of("host_lat_p99_ms"), "ms", most=200),
            Figure("comment answered p99", of("comments_answer_p99_ms"), "ms"),
            NO_FAULTS,
        ),
    ),
    Benchmark(
        "sampling",
        "2,000 comments/s offered by 10,000 viewers over two processes, 8 a second shown",
        {"livestream": Run("flood:{s}:1000:2", 10_000, gateways=2, clients=2, senders=5000, settings=UNLIMITED)},
        (
            Figure("comments not accounted for", _unaccounted, most=0),
            Figure("offered/s", lambda r: r["livestream"].total("comments_asked") / r["livestream"].worst("secs")),
            Figure("shown/s", lambda r: r["livestream"].total("comments_ok") / r["livestream"].worst("secs")),
            Figure("refused", lambda r: r["livestream"].total("comments_refused")),
            Figure("comment answered p99", lambda r: r["livestream"].worst("comments_answer_p99_ms"), "ms"),
            Figure("host message p99", lambda r: r["livestream"].worst("host_lat_p99_ms"), "ms"),
            NO_FAULTS,
        ),
    ),
    Benchmark(
        "bytes",
        "The flood, compressed once for all who negotiated it",
        {"plain": _FLOOD, "deflate": Run(_FLOOD.phases, settings=SHOW_ALL, senders=1000, extensions=DEFLATE)},
        (
            Figure("bytes, share of plain", _wire_share, most=0.5),
            Figure("deliveries/s, share of plain", ratio("deliveries_per_s", "deflate", "plain"), least=0.8),
            Figure("CPU a delivery, share of plain", ratio("server_us_per_delivery", "deflate", "plain")),
            NO_FAULTS,
        ),
    ),
    Benchmark(
        "memory",
        "Resident memory of the gateway a joined viewer who does nothing",
        {"5,000": Run("idle:{s}"), "10,000": Run("idle:{s}", 10_000)},
        (
            Figure("at 5,000", lambda r: r["5,000"].connects[0]["rss_per_viewer_kb"], "KiB", most=10),
            Figure("at 10,000", lambda r: r["10,000"].connects[0]["rss_per_viewer_kb"], "KiB", most=10),
            NO_FAULTS,
        ),
    ),
    Benchmark(
        "joins",
        "Fresh joins on one core: handshake, token, snapshot",
        {"livestream": Run("joins:2")},
        (
            Figure("joins/s", of("joins_per_s"), least=2500),
            Figure("gateway CPU a join", of("server_us_per_join"), "µs"),
            Figure("p99", of("join_p99_ms"), "ms"),
            NO_FAULTS,
        ),
    ),
    Benchmark(
        "resumes",
        "Resumes on one core",
        {"livestream": Run("resumes:2")},
        (
            Figure("resumes/s", of("joins_per_s"), least=5000),
            Figure("answered with a snapshot instead", of("resets"), most=0),
            Figure("gateway CPU a resume", of("server_us_per_join"), "µs"),
            Figure("p99", of("join_p99_ms"), "ms"),
            NO_FAULTS,
        ),
    ),
    Benchmark(
        "cut10k",
        "10,000 viewers cut at once resume on one core while the host talks",
        {"livestream": Run("cut:5", 10_000)},
        (
            Figure("until all are back", of("joined_s"), "s", most=10),
            Figure("answered with a snapshot instead", of("resets"), most=0),
            Figure("reads of the log", _log_reads, most=1),
            Figure("host message answered p99 meanwhile", of("says_answer_p99_ms"), "ms"),
            NO_FAULTS,
        ),
    ),
)
