"""Replies: the one answer that each ref gets, and what a viewer learns on joining. Lane: direct."""

from __future__ import annotations

import msgspec

from . import types
from .draws import DrawId, DrawReceipt
from .errors import ErrorCode
from .events import Sanction
from .groupbuy import OwnSeat
from .roles import Role


class Reply(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", omit_defaults=True):
    """What every reply has."""

    ref: types.Ref


class Ok(Reply, frozen=True, tag="ok"):
    """Done, and durable."""

    seq: types.Seq | None = None  #: the log event it caused, if it caused one


class Posted(Reply, frozen=True, tag="posted"):
    """Something with an id was made, and is durable."""

    id: types.Id
    seq: types.Seq | None = None  #: the log event it caused; a comment causes none
    shown: bool = True  #: false: accepted and archived, but a flood, or others with the same words, kept it off screens
    held: bool = False  #: it waits for staff
    entered: DrawReceipt | None = None  #: the comment was the password of a draw, and you are in
    not_entered: ErrorCode | None = None  #: it was the password, and this is why it is no entry
    not_entered_why: str | None = None  #: for a developer's eyes, English: what `draw_not_eligible` asks for


class Invited(Reply, frozen=True, tag="invited"):
    """A link for one person, once."""

    ticket: types.Token  #: for the fragment of the host page's address
    expires_at: types.Millis


class Seated(Reply, frozen=True, tag="seated"):
    """A seat in a team is held for you, and is durable."""

    own: OwnSeat


class PayAt(Reply, frozen=True, tag="pay_at"):
    """Where to pay."""

    url: str
    expires_at: types.Millis
    amount: types.Amount  #: at most; what is taken in the end is the price of the step reached


class Announced(Reply, frozen=True, tag="announced"):
    """A draw was made, and is durable."""

    draw: DrawId
    seq: types.Seq | None = None


class Entered(Reply, frozen=True, tag="entered"):
    """You are in the draw, and that is durable."""

    receipt: DrawReceipt


class Claimed(Reply, frozen=True, tag="claimed"):
    """Your claim is in, and is durable."""

    delete_at: types.Millis  #: when what you wrote is deleted


class Error(Reply, frozen=True, tag="error"):
    """Refused, and nothing changed (but for `outcome_unknown`, and what `entered` says)."""

    code: ErrorCode
    text: str  #: for a developer's eyes, English
    temporary: bool = False
    retry_after_ms: int | None = None
    entered: DrawReceipt | None = None  #: of a comment: it was the password of a draw, and you are in all the same
    not_entered: ErrorCode | None = None  #: of a comment: it was the password of a draw, and this is why it is no entry
    not_entered_why: str | None = None  #: as in `posted`


class Me(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who the server takes this connection for."""

    id: types.Pseudonym
    role: Role
    name: str | None = None
    expires_at: types.Millis | None = None  #: when the token ends; come back with a new one before
    buyer: bool = False
    muted: Sanction | None = None
    blocked: list[types.Pseudonym] = []  #: people this viewer does not want to see; empty after a resume: keep yours


class Joined(Reply, frozen=True, tag="joined"):
    """You are in."""

    room: types.RoomId
    epoch: types.Epoch
    now: types.Millis
    me: Me
    resume: types.Token  #: send it in `resume` when you come back, or the newest of `renewed`
    resumed: bool = False  #: true: missed events follow; false: a snapshot follows


AnyReply = Joined | Ok | Posted | Invited | Seated | PayAt | Announced | Entered | Claimed | Error
REPLIES: tuple[type[Reply], ...] = (Joined, Ok, Posted, Invited, Seated, PayAt, Announced, Entered, Claimed, Error)
