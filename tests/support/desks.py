"""Desks: a room with something of everything in it, for commands to be decided on."""

from __future__ import annotations

import msgspec

from livestream.protocol import commands as c
from livestream.protocol import events as e
from livestream.protocol.commands import Command
from livestream.protocol.roles import Role
from livestream.protocol.show import ShowState
from livestream.protocol.state import RoomState, StaffState
from livestream.room import deskwork
from livestream.room.desk import Actor, ArchivedComment, Decision, Desk, Person, Purchase

NOW = 1_790_000_000_000
HOST = Actor("shop", "room", "viewer:h1", "h1", Role.HOST, "Ada", "p-ada")
OTHER = msgspec.structs.replace(HOST, viewer_id="h2", pseudonym="p-bo", name="Bo", role=Role.OPERATOR)
VIEWER = Actor("shop", "room", "viewer:v9", "v9", Role.VIEWER, "Cy", "p-cy")
COMMENT, HELD, GONE, GHOST, NEW = (f"0000000000{name}" for name in ("c01", "c02", "c03", "c99", "n01"))
MESSAGE, RETRACTED = "0000000000m01", "0000000000m02"
BOB = "p-bob"


def archived(comment_id: str, *, fate: str = "shown", anonymous: bool = False) -> ArchivedComment:
    return ArchivedComment(
        comment_id, BOB, anonymous, "Bob", "which sizes?", NOW - 5000, Role.VIEWER, fate, frozenset(), 0
    )


def a_desk(state: ShowState | None = ShowState.LIVE, **room: object) -> Desk:
    current = None if state is None else e.Show(id="0000000000001", title="Shoes", state=state, starts_at=NOW)
    held = archived(HELD, fate="held")
    refund = e.RefundRequest(
        id="0000000000r01", purchase="A2", amount=90_000, currency="PLN", state=e.RefundState.ASKED, asked_by="Ada"
    )
    return Desk(
        now_ms=NOW,
        shop_id="shop",
        room=RoomState(room="room", title="Room", show=current, **room),  # type: ignore[arg-type]
        staff=StaffState(
            held=(held.held("words"),),
            refunds=(refund,),
            sanctions=(
                e.Sanction(who="p-mut", name="Mut", kind=e.SanctionKind.MUTE, at=NOW, until=NOW + 60_000),
                e.Sanction(who="p-ban", name="Ban", kind=e.SanctionKind.BAN, at=NOW),
            ),
        ),
        messages={
            MESSAGE: e.HostMessage(id=MESSAGE, name="Ada", text="Hello", at=NOW),
            RETRACTED: e.HostMessage(id=RETRACTED, name="Ada", text="Wrong", at=NOW),
        },
        retracted={RETRACTED},
        comments={COMMENT: archived(COMMENT), HELD: held, GONE: archived(GONE)},
        hidden={GONE},
        held={HELD: held.held("words")},
        said_by={BOB: [COMMENT]},
        people={
            BOB: Person(BOB, "Bob", None),
            "p-mut": Person("p-mut", "Mut", None),
            "p-bo": Person("p-bo", "Bo", Role.HOST),
            "p-mod": Person("p-mod", "Mo", Role.MODERATOR),
        },
        products={"cup": e.Product(id="cup", title="Cup", price=1999, currency="PLN")},
        purchases={"A1": Purchase("A1", "PLN", 2, 50_000, 50_000), "A2": Purchase("A2", "PLN", 2, 100, 0)},
        askers={"0000000000r01": "p-ada"},
        refund_limit=10_000,
    )


def run(desk: Desk, command: Command, actor: Actor = HOST, new_id: str = NEW) -> Decision:
    """Decide, and evolve, as a batch does."""
    decision = deskwork.decide(desk, actor, command, new_id)
    desk.apply(decision)
    return decision


def undo_of(decision: Decision) -> Command:
    """The command that the audit trail offers as undo, as a panel sends it."""
    (undo,) = [event.undo for event in decision.staff if isinstance(event, e.Acted)]
    assert undo is not None
    command: Command = msgspec.convert({**undo, "ref": 2}, c.AnyCommand)
    return command
