"""Draws: lucky draws on the wire: what a host plans, what everybody sees, and what happened, in the past tense.

    ANNOUNCED ──> OPEN ──> CLOSED ──> DRAWN ──> SETTLED
        │           │         │
        └─> CANCELLED <┘      └─> VOID

Hashes, ids of entries, secrets and signatures are lower-case hex.
"""

from __future__ import annotations

import enum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from . import limits, types
from .event import Event
from .personal import Mark, Tells

_HEX = r"^[0-9a-f]{%d}$(?!\n)"
DrawId = Annotated[str, Meta(pattern=_HEX % 32, description="Id of a draw: 16 bytes, hex; sorts by time.")]
EntryId = Annotated[
    str, Meta(pattern=_HEX % 32, description="Stands for one viewer in one draw; says nothing of who it is.")
]
Hash = Annotated[str, Meta(pattern=_HEX % 64, description="32 bytes, hex.")]
Signature = Annotated[str, Meta(pattern=_HEX % 128, description="Ed25519, hex.")]


class DrawState(enum.StrEnum):
    ANNOUNCED = "announced"  #: in the queue
    OPEN = "open"  #: takes entries; its rules are fixed
    CLOSED = "closed"  #: entries are frozen; the randomness does not exist yet
    DRAWN = "drawn"  #: winners stand; prizes wait to be claimed
    SETTLED = "settled"  #: every prize is claimed, or nobody is left to give it to
    CANCELLED = "cancelled"  #: by staff, or by the end of the show, before it closed
    VOID = "void"  #: something was late: nobody wins, and everybody sees why


class EntryKind(enum.StrEnum):
    CLICK = "click"  #: one tap
    PASSWORD = "password"  #: a comment that is exactly the password


class BeaconKind(enum.StrEnum):
    DRAND = "drand"  #: a public randomness beacon, signed
    COHOSTS = "cohosts"  #: secrets that named parties committed to before the first entry
    RECORDED = "recorded"  #: rounds of the past: rehearsals only, it proves nothing


class PassedWhy(enum.StrEnum):
    """Why a prize was taken from who had it."""

    UNCLAIMED = "unclaimed"  #: the claim time went by
    DECLINED = "declined"  #: the winner did not want it
    DISQUALIFIED = "disqualified"  #: the shop says that the rules exclude them


class VoidWhy(enum.StrEnum):
    LATE_ROOT = "late_root"  #: the list of entries was not published before its beacon
    MISSING_REVEAL = "missing_reveal"  #: a party did not reveal its secret in time


class PrizeTier(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Prizes of one kind."""

    tier: types.Title  #: "First prize", say
    name: types.Title  #: what is won
    quantity: Annotated[int, Meta(ge=1, le=limits.DRAW_PRIZES)] = 1
    value: types.Amount  #: of one
    currency: types.Currency
    exponent: types.Exponent = 2


class DrawNeeds(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What must hold for a viewer when they enter; all of it."""

    commented: bool = False  #: wrote a comment in this show that was not deleted
    team: bool = False  #: joined a team in this show
    bought: bool = False  #: bought something; many countries' law forbids to ask for it
    watched_s: Annotated[int, Meta(ge=0, le=86_400)] = 0  #: has been in the room for so long


_Extra = Annotated[int, Meta(ge=0, le=limits.DRAW_WEIGHT_EXTRA)]


class DrawWeights(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an entry weighs: 1, and so much more for whom these hold when they enter, or when the draw closes."""

    commented: _Extra = 0
    team: _Extra = 0
    bought: _Extra = 0
    watched: _Extra = 0  #: for each full `watched_step_s` in the room before they enter, at most `watched_most` times
    watched_step_s: Annotated[int, Meta(ge=1, le=86_400)] = 60
    watched_most: _Extra = 0


class DrawPlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a host sets up. It becomes the published rules when the draw opens."""

    title: types.Title
    prizes: Annotated[list[PrizeTier], Meta(min_length=1, max_length=limits.DRAW_TIERS)]  #: in the order they are drawn
    entry: EntryKind = EntryKind.CLICK
    password: Annotated[str, Meta(max_length=40, pattern=r"^[^\s\x00]([^\x00]*[^\s\x00])?$(?!\n)")] | None = None
    needs: DrawNeeds = DrawNeeds()
    law_read: bool = False  #: the shop was warned what the law says of draws for buyers only, and goes on
    seconds: Annotated[int, Meta(ge=limits.DRAW_LEAST_S, le=limits.DRAW_MOST_S)] | None = None  #: null: closed by hand
    weights: DrawWeights = DrawWeights()
    exclude_winners_of: Annotated[int, Meta(ge=0, le=100)] = 0  #: last draws of this room
    organiser: types.Title  #: who owes the prizes
    terms: Annotated[str, Meta(max_length=limits.DRAW_TERMS_CHARS, pattern=r"^[^\x00]*$")] = (
        ""  #: or where to read them
    )
    region: Annotated[str, Meta(max_length=200, pattern=r"^[^\x00]*$")] = ""  #: where one must live; empty: anywhere
    minimum_age: Annotated[int, Meta(ge=0, le=120)] = 18
    claim_s: Annotated[int, Meta(ge=60, le=7_776_000)] = limits.DRAW_CLAIM_S  #: then the prize goes to a reserve
    beacon: BeaconKind = BeaconKind.DRAND


class DrawReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """The shop signed that this entry is in: keep it, the checker reads it as it is."""

    protocol: Literal["LTD1"]
    draw_id: DrawId
    rules_hash: Hash
    entry_id: EntryId
    weight: Annotated[int, Meta(ge=1, le=2**32 - 1)]
    entered_ms: types.Millis
    signature: Signature


class DrawWinner(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who has a prize."""

    personal = (Tells("entry", Mark.ENTRY, ("name",)),)

    prize: types.Count  #: number of the prize from 0: all of the first tier, then the second
    place: types.Count  #: number of the pick from 0; those past the number of prizes were reserves
    entry: EntryId
    name: str  #: masked
    lapsed: PassedWhy | None = None  #: they have it no longer, for this reason, and nobody has: no reserve was left


class OwnDraw(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where one viewer stands in one draw."""

    draw: DrawId
    title: str = ""  #: of the draw
    receipt: DrawReceipt | None = None  #: they are in
    prize: types.Count | None = None  #: they won this one
    prize_title: str = ""
    claim_until: types.Millis | None = None  #: then it goes to the next reserve
    claimed: bool = False
    delete_at: types.Millis | None = None  #: when the data of the claim is deleted


class Draw(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A draw as everybody sees it."""

    id: DrawId
    title: types.Title
    state: DrawState
    prizes: list[PrizeTier]
    entry: EntryKind
    password: str | None = None  #: the comment that is an entry
    needs: DrawNeeds = DrawNeeds()
    beacon: BeaconKind
    rules: str = ""  #: canonical JSON; what was signed is exactly these bytes
    rules_hash: str = ""
    opened_at: types.Millis | None = None
    closes_at: types.Millis | None = None  #: at the latest; a freeze moves it
    by_hand: bool = False  #: the host closes it; `closes_at` is only the latest
    parties: list[str] = []  #: co-hosts by name, in the order of their commitments
    closed_at: types.Millis | None = None
    round: types.Count = 0  #: of the beacon, fixed at close; 0 for co-hosts
    beacon_at: types.Millis | None = None  #: the root had to be out before
    root: str = ""
    entries: types.Count = 0  #: once the root is out
    weight: types.Count = 0
    rooted_at: types.Millis | None = None
    revealed: list[types.Count] = []  #: numbers, from 1, of the parties that revealed
    value: str = ""  #: the beacon's 32 bytes
    seed: str = ""
    winners: list[DrawWinner] = []
    claim_until: types.Millis | None = None  #: for who was drawn first
    why: str | None = None  #: it was cancelled, or is void


# -- the room log


class DrawAnnounced(Event, frozen=True, tag="draw_announced"):
    """A draw stands in the queue."""

    draw: Draw


class DrawOpened(Event, frozen=True, tag="draw_opened"):
    """A draw takes entries. Nothing in its rules changes any more."""

    draw: Draw


class DrawClosed(Event, frozen=True, tag="draw_closed"):
    """Its entries are frozen; the beacon's round is fixed."""

    draw: DrawId
    closed_at: types.Millis
    round: types.Count = 0
    beacon_at: types.Millis | None = None


class DrawRooted(Event, frozen=True, tag="draw_rooted"):
    """The list of its entries is published by its root: keep it with the time you saw it."""

    draw: DrawId
    root: Hash
    entries: types.Count
    weight: types.Count
    at: types.Millis  #: when it was published
    round: types.Count = 0


class DrawRevealed(Event, frozen=True, tag="draw_revealed"):
    """A co-host revealed what it committed to."""

    draw: DrawId
    party: types.Count
    secret: Hash


class DrawDrawn(Event, frozen=True, tag="draw_drawn"):
    """The winners stand, and follow from what is public."""

    draw: DrawId
    value: Hash  #: the beacon's
    seed: Hash
    winners: list[DrawWinner]
    claim_until: types.Millis


class DrawPassedOn(Event, frozen=True, tag="draw_passed_on"):
    """A prize went on to the next reserve."""

    draw: DrawId
    winner: DrawWinner
    why: PassedWhy = PassedWhy.UNCLAIMED


class DrawPrizeLapsed(Event, frozen=True, tag="draw_prize_lapsed"):
    """Who had a prize has it no longer, and no reserve is left: it is nobody's."""

    draw: DrawId
    prize: types.Count
    why: PassedWhy


class DrawSettled(Event, frozen=True, tag="draw_settled"):
    """Every prize was claimed, or nobody is left to give it to."""

    draw: DrawId


class DrawCancelled(Event, frozen=True, tag="draw_cancelled"):
    """Called off before it closed."""

    draw: DrawId
    why: str


class DrawVoided(Event, frozen=True, tag="draw_voided"):
    """Nobody wins: something was late, and a later beacon would have been a choice."""

    draw: DrawId
    why: VoidWhy
    rooted_at: types.Millis | None = None  #: of a root that nobody found in time: when it was found


# -- notices


class YouWon(Event, frozen=True, tag="you_won"):
    """You won a prize: claim it in time."""

    draw: DrawId
    title: str  #: of the draw
    prize: types.Count
    prize_title: str
    claim_until: types.Millis


class YourPrizeWentOn(Event, frozen=True, tag="your_prize_went_on"):
    """Your prize is no longer yours: the next reserve has it, or nobody if none is left."""

    draw: DrawId
    title: str
    prize_title: str
    why: PassedWhy = PassedWhy.UNCLAIMED


class YourPrizeClaimed(Event, frozen=True, tag="your_prize_claimed"):
    """Your claim is in, or the shop says that you have your prize."""

    draw: DrawId
    title: str
    prize: types.Count
    prize_title: str
    delete_at: types.Millis | None = None  #: when what you wrote is deleted


DrawLogEvent = (
    DrawAnnounced | DrawOpened | DrawClosed | DrawRooted | DrawRevealed | DrawDrawn | DrawPassedOn | DrawPrizeLapsed
    | DrawSettled | DrawCancelled | DrawVoided
)  # fmt: skip
DrawNotice = YouWon | YourPrizeWentOn | YourPrizeClaimed
DRAW_PARTS: tuple[type[msgspec.Struct], ...] = (
    PrizeTier, DrawNeeds, DrawWeights, DrawPlan, DrawReceipt, DrawWinner, OwnDraw, Draw,
)  # fmt: skip
DRAW_EVENTS: tuple[type[Event], ...] = (
    DrawAnnounced, DrawOpened, DrawClosed, DrawRooted, DrawRevealed, DrawDrawn, DrawPassedOn,
    DrawPrizeLapsed, DrawSettled, DrawCancelled, DrawVoided, YouWon, YourPrizeWentOn, YourPrizeClaimed,
)  # fmt: skip
