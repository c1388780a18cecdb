"""Part: how group buys plug into gateway and worker."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence

from livestream.config import Settings
from livestream.parts import Chore, Ground, Part
from livestream.storage.pool import Database

from . import chores, engine, operation, privacy, providers
from .cashier import Cashier
from .membership import team_members
from .service import GroupBuy


@contextlib.asynccontextmanager
async def _chores(settings: Settings, secret: bytes) -> AsyncIterator[Sequence[Chore]]:
    """The worker's; those that talk to the provider only where there is one."""
    found = [
        Chore("end_teams", 0.25, chores.end_teams),
        Chore("void_teams", 0.5, chores.void_teams),
        Chore("close_deals", 0.5, chores.close_deals),
        Chore("tell_sold_out", 1.0, chores.tell_sold_out),
        Chore("lapse_orders", 5.0, chores.lapse_orders),
        Chore("forget_payment_events", 600.0, chores.forget_old_events),
    ]
    provider = providers.provider(settings, secret)
    if provider is None:
        yield found
        return

    async def work(database: Database) -> int:
        return await Cashier(database, provider, "").work()

    async def ask(database: Database) -> int:
        return await Cashier(database, provider, "").ask()

    try:
        yield [*found, Chore("move_payments", 0.25, work), Chore("ask_payments", 1.0, ask)]
    finally:
        await provider.close()


def _open(ground: Ground) -> GroupBuy:
    return GroupBuy(ground)


PART = Part(
    name="groupbuy",
    commands=engine.COMMANDS | operation.COMMANDS,
    open=_open,
    chores=_chores,
    export=privacy.export,
    marks=privacy.marks,
    erase=privacy.erase,
    team_members=team_members,
)
