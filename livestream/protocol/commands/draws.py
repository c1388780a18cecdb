"""What is asked of lucky draws: hosts set them up and run them, viewers enter and claim."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from .. import limits, types
from ..draws import DrawId, DrawPlan, DrawReceipt, Hash
from ..errors import ErrorCode as E
from ..limits import RateClass
from ..replies import Announced, Claimed, Entered, Ok
from ..roles import EVERYONE, HOSTS, OPERATORS, SIGNED_IN
from .base import Command

_TemplateName = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^(?=[^\x00]*[^\s\x00])[^\x00]*$")]
_PrizeNumber = Annotated[int, Meta(ge=0, le=limits.DRAW_PRIZES - 1, description="Number of a prize, from 0.")]
_Field = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00]*$")]


class CreateDraw(Command, frozen=True, tag="create_draw"):
    """Announce a draw: it waits in the queue until it is opened."""

    roles = HOSTS
    rate = RateClass.STAFF
    reply = Announced
    errors = (E.DRAW_RULES_REFUSED, E.DRAW_QUEUE_FULL, E.KEY_REUSED)

    plan: DrawPlan
    key: types.Key | None = None


class SaveTemplate(Command, frozen=True, tag="save_template"):
    """Keep a plan under a name, for all rooms of the shop; null takes it away."""

    roles = HOSTS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.DRAW_RULES_REFUSED, E.TEMPLATE_NOT_FOUND, E.TOO_MANY, E.KEY_REUSED)

    name: _TemplateName
    plan: DrawPlan | None
    key: types.Key | None = None


class OpenDraw(Command, frozen=True, tag="open_draw"):
    """Publish the rules and take entries. Nothing in the rules changes after that."""

    roles = HOSTS
    rate = RateClass.STAFF
    reply = Ok
    errors = (
        E.DRAW_NOT_FOUND, E.DRAW_STATE, E.DRAW_ACTIVE, E.DRAW_RULES_REFUSED, E.NO_SHOW, E.FROZEN, E.KEY_REUSED,
    )  # fmt: skip

    draw: DrawId
    #: of co-hosts beside the server: SHA256("LTD1-commit" + draw + u32be number + secret), numbers from 2 on
    commitments: Annotated[list[Hash], Meta(max_length=limits.DRAW_PARTIES - 1)] = msgspec.field(default_factory=list)
    #: of these co-hosts
    names: Annotated[list[types.Name], Meta(max_length=limits.DRAW_PARTIES - 1)] = msgspec.field(default_factory=list)
    key: types.Key | None = None


class CloseDraw(Command, frozen=True, tag="close_draw"):
    """Freeze the entries now. From here on a draw cannot be cancelled."""

    roles = HOSTS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.DRAW_NOT_FOUND, E.DRAW_STATE, E.KEY_REUSED)

    draw: DrawId
    key: types.Key | None = None


class CancelDraw(Command, frozen=True, tag="cancel_draw"):
    """Call a draw off before it closes; everybody reads why, and it stays in the room's history."""

    roles = HOSTS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.DRAW_NOT_FOUND, E.DRAW_STATE, E.KEY_REUSED)

    draw: DrawId
    why: Annotated[str, Meta(max_length=limits.WHY_CHARS, pattern=r"^(?=[^\x00]*[^\s\x00])[^\x00]*$")]
    key: types.Key | None = None


class RevealDraw(Command, frozen=True, tag="reveal_draw"):
    """Reveal what a co-host committed to, once the root is out and within 60 s. Whoever has the secret may."""

    roles = EVERYONE
    rate = RateClass.OTHER
    reply = Ok
    errors = (E.DRAW_NOT_FOUND, E.REVEAL_REFUSED, E.KEY_REUSED)

    draw: DrawId
    party: Annotated[int, Meta(ge=2, le=limits.DRAW_PARTIES)]
    secret: Hash
    key: types.Key | None = None


class EnterDraw(Command, frozen=True, tag="enter_draw"):
    """Take part. The same key again gives the same receipt."""

    roles = EVERYONE  # who is nobody in particular is refused with a reason, and that is recorded
    rate = RateClass.OTHER
    reply = Entered
    errors = (
        E.DRAW_NOT_FOUND, E.DRAW_NOT_OPEN, E.DRAW_ENTERED, E.SIGN_IN_REQUIRED, E.DRAW_STAFF, E.DRAW_EXCLUDED,
        E.DRAW_NOT_ELIGIBLE, E.MUTED, E.BANNED,
    )  # fmt: skip

    draw: DrawId
    key: types.Key | None = None


class ClaimForm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a prize goes. It is deleted when it is no longer needed."""

    name: _Field
    address: Annotated[str, Meta(max_length=500, pattern=r"^[^\x00]*$")] = ""
    email: _Field = ""
    phone: _Field = ""
    note: Annotated[str, Meta(max_length=500, pattern=r"^[^\x00]*$")] = ""


class ClaimPrize(Command, frozen=True, tag="claim_prize"):
    """Say where your prize goes."""

    roles = SIGNED_IN
    rate = RateClass.OTHER
    despite_ban = True
    reply = Claimed
    errors = (E.DRAW_NOT_FOUND, E.NOT_A_WINNER, E.CLAIM_LATE, E.CLAIMED, E.RECEIPT_INVALID, E.KEY_REUSED)

    draw: DrawId
    form: ClaimForm
    receipt: DrawReceipt | None = None  #: as the server signed it; a forged one is refused
    key: types.Key | None = None


class DeclinePrize(Command, frozen=True, tag="decline_prize"):
    """You do not want your prize: it goes to the next reserve at once."""

    roles = SIGNED_IN
    rate = RateClass.OTHER
    despite_ban = True
    reply = Ok
    errors = (E.DRAW_NOT_FOUND, E.NOT_A_WINNER, E.CLAIM_LATE, E.CLAIMED, E.KEY_REUSED)

    draw: DrawId
    key: types.Key | None = None


class MarkClaimed(Command, frozen=True, tag="mark_claimed"):
    """The winner has their prize, or the shop knows where it goes: it waits for no claim any more."""

    roles = OPERATORS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.DRAW_NOT_FOUND, E.DRAW_STATE, E.NOT_A_WINNER, E.CLAIM_LATE, E.CLAIMED, E.KEY_REUSED)

    draw: DrawId
    prize: _PrizeNumber
    key: types.Key | None = None


class DisqualifyWinner(Command, frozen=True, tag="disqualify_winner"):
    """The rules exclude who won this prize (too young, say): it goes to the next reserve, and the proof shows it."""

    roles = OPERATORS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.DRAW_NOT_FOUND, E.DRAW_STATE, E.NOT_A_WINNER, E.CLAIM_LATE, E.CLAIMED, E.KEY_REUSED)

    draw: DrawId
    prize: _PrizeNumber
    why: Annotated[
        str, Meta(max_length=limits.WHY_CHARS, pattern=r"^(?=[^\x00]*[^\s\x00])[^\x00]*$")
    ]  #: for the audit trail
    key: types.Key | None = None
