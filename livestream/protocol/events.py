"""Events: what the two room logs hold, what the live lane shows, and what a notice says. Past tense."""

from __future__ import annotations

import enum
from typing import Any

import msgspec

from . import types
from .draws import DRAW_EVENTS, DRAW_PARTS, DrawLogEvent, DrawNotice
from .event import Event as Event
from .groupbuy import GROUPBUY_EVENTS, GROUPBUY_PARTS, GroupBuyLiveEvent, GroupBuyLogEvent, GroupBuyNotice
from .personal import Mark, Tells
from .roles import Role
from .show import ShowState

# -- parts of events


class HostMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a host said."""

    # What it quotes goes with the comment that it answers; see `room.redaction`.
    personal = (Tells("by", Mark.PSEUDONYM, ("name",)),)

    id: types.Id
    by: types.Pseudonym = ""  #: of who said it
    name: str  #: display name of who said it
    text: str
    at: types.Millis
    answers: types.Id | None = None  #: the comment it answers
    answered_name: str | None = None  #: null again when that comment was deleted
    answered_text: str | None = None
    retracted: bool = False  #: taken back: the texts are empty; leave its place


class Show(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A show of the room."""

    id: types.Id
    title: str
    state: ShowState
    starts_at: types.Millis  #: as it was announced
    began_at: types.Millis | None = None  #: when viewers could first talk in it: "in this show" is from here on
    live_at: types.Millis | None = None  #: when it first went live
    ended_at: types.Millis | None = None
    time_zone: str = "UTC"  #: in which it is announced


class Chat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The rules of talking that hold now, for those who are not staff."""

    comment_chars: int = 200
    anonymous: bool = False  #: anonymous viewers may comment
    links: bool = False
    slow_mode_s: int = 0  #: between two comments of one viewer
    buyers_only: bool = False
    approve_first: bool = False
    unattended: bool = False  #: nobody of the staff is here, so stricter rules hold


class Freezing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A technical break: every deadline of the room stands still since `at`."""

    at: types.Millis
    message: str | None = None  #: null: the app's own words
    video_url: str | None = None  #: where the video goes on meanwhile


class Break(msgspec.Struct, frozen=True, kw_only=True):
    """A technical break that is over: what was told as of before `at` ends later by so much."""

    at: types.Millis
    shifted_ms: types.Count


class Clock(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A countdown on everybody's screen."""

    id: types.Id
    title: str
    ends_at: types.Millis  #: on the database's clock; the video's delay is in it


class Picture(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A picture of a product."""

    url: types.Url
    alt: types.Caption = ""


class ProductVariant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One form in which a product is sold."""

    id: types.ProductId
    title: str
    price: types.Amount
    stock: int | None = None  #: units when it was shown; null: not counted. The present number is a gauge


class Product(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A product as viewers see it."""

    id: types.ProductId
    title: str
    price: types.Amount
    currency: types.Currency
    exponent: types.Exponent = 2
    tax_included: bool = True
    reference_price: types.Amount | None = None  #: what it costs, or cost, elsewhere or before
    stock: int | None = None  #: units when it was shown; null: not counted
    pictures: list[Picture] = []
    url: str | None = None  #: the shop's page of it
    ar_model: str | None = None  #: address of a glTF or USDZ model
    variants: list[ProductVariant] = []


class Policy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A room's settings that only staff see."""

    chat: Chat  #: as set; while nobody is on duty stricter rules may hold
    display_per_s: float | None = None  #: comments shown a second; null: the deployment's
    reports_to_hold: int = 3
    unattended_after_s: int = 180
    unattended_links: bool = False
    unattended_slow_mode_s: int = 30
    unattended_hold_reported: bool = True


class SanctionKind(enum.StrEnum):
    MUTE = "mute"  #: may watch, not talk
    BAN = "ban"  #: may not be here


class Sanction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody is muted or banned."""

    personal = (Tells("who", Mark.PSEUDONYM, ("name", "why")), Tells("by_who", Mark.PSEUDONYM, ("by",)))

    who: types.Pseudonym
    name: str
    kind: SanctionKind
    at: types.Millis
    until: types.Millis | None = None  #: null: for ever
    why: str | None = None
    by: str = ""  #: display name of who did it
    by_who: types.Pseudonym = ""


class HeldComment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A comment that waits for staff."""

    personal = (Tells("by", Mark.PSEUDONYM, ("name", "text", "why")),)

    id: types.Id
    by: types.Pseudonym
    name: str
    text: str
    at: types.Millis
    role: Role = Role.VIEWER
    why: str = ""  #: `words`, `approve_first`, `reported`, `review`


class RefundState(enum.StrEnum):
    ASKED = "asked"  #: waits for a second operator
    CONFIRMED = "confirmed"  #: the shop's backend was told to pay it back
    REFUSED = "refused"


class RefundRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A refund that staff asked for."""

    personal = (
        Tells("purchase", Mark.PURCHASE, ("why",)),
        Tells("asked_by_who", Mark.PSEUDONYM, ("asked_by",)),
        Tells("decided_by_who", Mark.PSEUDONYM, ("decided_by",)),
    )

    id: types.Id
    purchase: str  #: the shop's number of it; of a group buy, the order
    deal: types.Id | None = None  #: the group buy: `decide_order_refund` decides
    amount: types.Amount
    currency: types.Currency
    exponent: types.Exponent = 2
    why: str = ""
    state: RefundState
    asked_by: str  #: display name
    asked_by_who: types.Pseudonym = ""
    decided_by: str | None = None
    decided_by_who: types.Pseudonym = ""


# -- the room log


class Said(Event, frozen=True, tag="said"):
    """A host message."""

    message: HostMessage


class Retracted(Event, frozen=True, tag="retracted"):
    """A host message was taken back: empty its place, and the pin if it was that."""

    message: types.Id


class Unretracted(Event, frozen=True, tag="unretracted"):
    """A retracted message is shown again at its place, if that is still in view."""

    message: HostMessage


class Pinned(Event, frozen=True, tag="pinned"):
    """A host message was pinned; null: the pin was taken away."""

    message: HostMessage | None = None


class ShowChanged(Event, frozen=True, tag="show_changed"):
    """A show was scheduled or changed its state."""

    show: Show


class Deleted(Event, frozen=True, tag="deleted"):
    """Comments were taken off the screen. They may still come over the live lane: remember the ids."""

    comments: list[types.Id]


class Restored(Event, frozen=True, tag="restored"):
    """Deleted comments are shown again. Those that a newcomer would not see are left out."""

    comments: list[Commented]


class ChatChanged(Event, frozen=True, tag="chat_changed"):
    """Other rules of talking hold."""

    chat: Chat


class RoomChanged(Event, frozen=True, tag="room_changed"):
    """The room's title or the video's delay changed."""

    title: str
    video_delay_ms: int = 0


class Frozen(Event, frozen=True, tag="frozen"):
    """A technical break began."""

    freezing: Freezing


class Unfrozen(Event, frozen=True, tag="unfrozen"):
    """It is over: add `shifted_ms` to every deadline of the room that is still open."""

    at: types.Millis  #: own seats that were told as of before then have clocks of before the break
    shifted_ms: types.Count


class CountdownStarted(Event, frozen=True, tag="countdown_started"):
    """A countdown runs; it takes the place of another one."""

    clock: Clock


class CountdownEnded(Event, frozen=True, tag="countdown_ended"):
    """The countdown is over, or was taken away."""

    id: types.Id
    cancelled: bool = False


class Featured(Event, frozen=True, tag="featured"):
    """A product is shown to everybody; null: none any more."""

    product: Product | None = None


class Presented(Event, frozen=True, tag="presented"):
    """Another host presents now."""

    personal = (Tells("who", Mark.PSEUDONYM, ("name",)),)

    name: str
    who: types.Pseudonym = ""


# -- the staff log


class Acted(Event, frozen=True, tag="acted"):
    """Staff did something; the audit trail."""

    personal = (Tells("who", Mark.VIEWER, ("name", "why")), Tells("about", Mark.PSEUDONYM, ("what", "why", "undo")))

    who: str  #: the shop's id of the person; empty: the server
    name: str
    role: Role
    command: str
    what: str  #: what it did, in words
    why: str | None = None
    undo: dict[str, Any] | None = None  #: the command that would undo it, without `ref`
    about: list[types.Pseudonym] = msgspec.field(default_factory=list)  #: whom it concerns


class Held(Event, frozen=True, tag="held"):
    """Comments wait for staff."""

    comments: list[HeldComment]


class Ruled(Event, frozen=True, tag="ruled"):
    """These comments wait no more, nor do reports about them."""

    comments: list[types.Id]
    shown: bool


class Reported(Event, frozen=True, tag="reported"):
    """A viewer told of a comment."""

    comment: HeldComment
    reports: types.Count  #: so many viewers did by now


class Sanctioned(Event, frozen=True, tag="sanctioned"):
    """Somebody was muted or banned; a new one of a kind takes the place of the old."""

    sanction: Sanction


class Lifted(Event, frozen=True, tag="lifted"):
    """Somebody is no longer muted or banned."""

    personal = (Tells("who", Mark.PSEUDONYM),)

    who: types.Pseudonym
    kind: SanctionKind


class PolicyChanged(Event, frozen=True, tag="policy_changed"):
    """The room's settings changed."""

    policy: Policy


class WordsChanged(Event, frozen=True, tag="words_changed"):
    """The shop's word list changed."""

    version: types.Count


class Erased(Event, frozen=True, tag="erased"):
    """A person was erased: what was known of them is gone, and a fresh snapshot follows."""


class RefundChanged(Event, frozen=True, tag="refund_changed"):
    """A refund was asked for or decided."""

    refund: RefundRequest


# -- the live lane


class Commented(Event, frozen=True, tag="comment"):
    """A viewer's comment."""

    personal = (Tells("by", Mark.PSEUDONYM, ("name", "text")),)

    id: types.Id
    by: types.Pseudonym
    name: str
    text: str
    role: Role = Role.VIEWER


class Echoed(Event, frozen=True, tag="echoed"):
    """So many have said the same as this comment by now."""

    comment: types.Id
    times: types.Count


class Arrived(Event, frozen=True, tag="arrived"):
    """A signed-in viewer came in."""

    name: str


# -- notices


class Answered(Event, frozen=True, tag="answered"):
    """A host answered your comment."""

    comment: types.Id
    message: HostMessage


class YouWereMuted(Event, frozen=True, tag="you_were_muted"):
    """Staff muted you in this room."""

    until: types.Millis | None = None  #: null: for ever
    why: str | None = None


class YouMayTalk(Event, frozen=True, tag="you_may_talk"):
    """You are no longer muted."""


class YourComment(Event, frozen=True, tag="your_comment"):
    """Staff decided on a comment of yours that waited."""

    comment: types.Id
    shown: bool


class YouBought(Event, frozen=True, tag="you_bought"):
    """The shop told us that you bought something: you count as a buyer from now on."""


LogEvent = (
    Said | Retracted | Unretracted | Pinned | ShowChanged | Deleted | Restored | ChatChanged | RoomChanged
    | Frozen | Unfrozen | CountdownStarted | CountdownEnded | Featured | Presented
    | GroupBuyLogEvent | DrawLogEvent
)  # fmt: skip
StaffEvent = (
    Acted | Held | Ruled | Reported | Sanctioned | Lifted | PolicyChanged | WordsChanged | RefundChanged | Erased
)  # fmt: skip
LiveEvent = Commented | Echoed | Arrived | GroupBuyLiveEvent
NoticeEvent = Answered | YouWereMuted | YouMayTalk | YourComment | YouBought | GroupBuyNotice | DrawNotice
PARTS: tuple[type[msgspec.Struct], ...] = (
    HostMessage, Show, Chat, Freezing, Break, Clock, Picture, ProductVariant, Product, Policy, Sanction, HeldComment,
    RefundRequest,
    *GROUPBUY_PARTS,
    *DRAW_PARTS,
)  # fmt: skip
EVENTS: tuple[type[Event], ...] = (
    Said, Retracted, Unretracted, Pinned, ShowChanged, Deleted, Restored, ChatChanged, RoomChanged, Frozen, Unfrozen,
    CountdownStarted, CountdownEnded, Featured, Presented,
    Acted, Held, Ruled, Reported, Sanctioned, Lifted, PolicyChanged, WordsChanged, RefundChanged, Erased,
    Commented, Echoed, Arrived,
    Answered, YouWereMuted, YouMayTalk, YourComment, YouBought,
    *GROUPBUY_EVENTS,
    *DRAW_EVENTS,
)  # fmt: skip
