"""Metrics: what is counted, and /metrics over all processes of a machine.

The processes share memory-mapped files in PROMETHEUS_MULTIPROC_DIR, which the
supervisor sets before they start; any process answers for all. Alone, without
the folder, a process answers for itself.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client import values as prometheus_values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.values import MultiProcessValue

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)

if FOLDER in os.environ:
    # Our processes are started and never forked. Asking for the pid at every count, as the library does by itself,
    # is more than half of what a count costs.
    _PID = os.getpid()
    prometheus_values.ValueClass = MultiProcessValue(lambda: _PID)  # type: ignore[no-untyped-call]


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(f"livestream_{name}", text, labels)


def _gauge(name: str, text: str, *labels: str, mode: str = "livesum") -> Gauge:
    return Gauge(f"livestream_{name}", text, labels, multiprocess_mode=mode)  # type: ignore[arg-type]


def _histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    return Histogram(f"livestream_{name}", text, labels, buckets=buckets)


CONNECTIONS = _gauge("connections", "Open websockets.", "codec")
JOINS = _counter("joins", "Joins, by how.", "how")
COMMANDS = _counter("commands", "Commands answered, by command and outcome.", "command", "outcome")
DELIVERIES = _counter("deliveries", "Messages times receivers.", "lane")
FRAMES = _counter("frames", "Fan-out frames written.")
BYTES_SENT = _counter("fanout_bytes", "Bytes of fan-out frames written.")
SKIPPED_FRAMES = _counter("skipped_frames", "Frames that a slow connection was spared.")
SLOW_CLOSES = _counter("slow_closes", "Connections cut for reading too slowly.")
CLOSES_TOTAL = _counter("closes", "Connections closed, by code.", "code")
FANOUT_SECONDS = _histogram(
    "fanout_seconds", "From the first pending message to the last write, of rounds that somebody waits for.", _SECONDS
)
CHORE_FAILURES = _counter("chore_failures", "Turns of the worker, or items of a turn, that failed; by chore.", "chore")
BATCH_SIZE = _histogram("batch_size", "Commands in one transaction.", _SIZES, "batcher")
BATCH_SECONDS = _histogram("batch_seconds", "Duration of a batch's transaction.", _SECONDS, "batcher")
LOG_READS = _counter("log_reads", "Reads of a room log from Postgres, to fill a gap or for resumes.")
HEARTBEAT_LAG = _gauge("heartbeat_seconds", "How long Postgres took to answer the last heartbeat.", mode="livemax")
# With a label they exist only where they are set: the untouched 0 of a worker would be the least of all.
REDIS_UP = _gauge("redis_up", "The bus is connected.", "process", mode="livemin")
POSTGRES_UP = _gauge("postgres_up", "The last heartbeat was answered.", "process", mode="livemin")
WEBHOOKS = _counter("webhooks", "Webhook attempts, by outcome: delivered, again (a retry follows), failed.", "outcome")
WEBHOOK_SECONDS = _histogram(
    "webhook_seconds", "How long an endpoint took to answer a webhook.", (*_SECONDS, 10.0, 30.0)
)
REVIEWS = _counter(
    "reviews", "Comments a shop's review service was asked about, by verdict, or the fallback.", "verdict"
)
REVIEW_SECONDS = _histogram("review_seconds", "How long a review service took to answer, or was waited for.", _SECONDS)
LOOP_LAG = _histogram("loop_lag_seconds", "How late the event loop turned.", _SECONDS)


def render() -> tuple[bytes, str]:
    """The exposition and its content type."""
    registry = REGISTRY
    if FOLDER in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST


def fresh_folder(path: Path) -> None:
    """Make the folder, empty. Before any process starts."""
    path.mkdir(parents=True, exist_ok=True)
    for file in path.glob("*.db"):
        file.unlink()


def forget_process(path: Path, pid: int) -> None:
    """Take a dead process's gauges out of the sums."""
    with contextlib.suppress(OSError):
        mark_process_dead(pid, str(path))  # type: ignore[no-untyped-call]
