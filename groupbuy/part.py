"""Part: how group buys plug into gateway and worker."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator, Sequence

from livestream.parts import Chore, Ground, Part, WorkGround
from livestream.storage.pool import Database

from . import chores, engine, operation, privacy, providers, store
from .cashier import Cashier
from .herald import Herald
from .membership import team_members
from .payments.port import Provider
from .service import GroupBuy

_LANES = 4


@contextlib.asynccontextmanager
async def _chores(ground: WorkGround) -> AsyncIterator[Sequence[Chore]]:
    """The worker's; those that talk to the provider only where there is one."""
    async with contextlib.AsyncExitStack() as stack:
        herald = Herald(ground.publish, ground.origin)

        async def tell_gauges(database: Database) -> int:
            return len(await herald.tell_gauges(database))

        found = [
            Chore("end_teams", 0.25, functools.partial(chores.end_teams, tell=herald.told)),
            Chore("void_teams", 0.5, functools.partial(chores.void_teams, tell=herald.told)),
            Chore("close_deals", 0.5, functools.partial(chores.close_deals, tell=herald.told)),
            Chore("tell_sold_out", 1.0, functools.partial(chores.tell_sold_out, tell=herald.told)),
            Chore("lapse_orders", 5.0, functools.partial(chores.lapse_orders, tell=herald.told)),
            Chore("tell_gauges", 0.2, tell_gauges),
            Chore("forget_payment_events", 600.0, chores.forget_old_events),
        ]
        provider = providers.provider(ground.settings, ground.secret)
        if provider is not None:
            stack.push_async_callback(provider.close)
            found += _with_provider(provider, herald)
        yield found


def _with_provider(provider: Provider, herald: Herald) -> list[Chore]:
    """Several lanes of each, for the provider's silence about one payment must not be all others'."""

    async def work(database: Database) -> int:
        return await Cashier(database, provider, told=herald.told).work()

    async def ask(database: Database) -> int:
        return await Cashier(database, provider, told=herald.told).ask()

    return [
        *(Chore(f"move_payments_{lane}", 0.25, work) for lane in range(_LANES)),
        *(Chore(f"ask_payments_{lane}", 1.0, ask) for lane in range(_LANES)),
    ]


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
    asked_refunds=store.asked_refunds,
    team_members=team_members,
)
