"""Turn: one item of a chore's turn. What fails is told and left for the next turn, and stops none of its neighbours."""

from __future__ import annotations

from collections.abc import Awaitable

import structlog

from livestream import metrics
from livestream.protocol.errors import LivestreamError

_log = structlog.get_logger()


async def one(chore: str, of: str, doing: Awaitable[int]) -> int:
    """Do one item; returns what it returns, or 0 if it failed.

    Args:
        of: whose turn it is, for the log.
    """
    try:
        return await doing
    except LivestreamError as error:
        _log.warning("chore.item_failed", chore=chore, of=of, error=repr(error))
    except Exception:
        # A row that a bug of ours makes unbearable must not keep the clock from all others.
        _log.exception("chore.item_broken", chore=chore, of=of)
    metrics.CHORE_FAILURES.labels(chore).inc()
    return 0
