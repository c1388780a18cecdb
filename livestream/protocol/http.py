"""HTTP: every operation under /v1, once. Routes, validation and the OpenAPI document come from here.

What a websocket can ask in a room is also `POST /v1/rooms/{room}/{command}`, with
the same fields, roles, errors and effect; what only a shop's backend asks is
`POST /v1/shops/{shop}/{command}`.
"""

from __future__ import annotations

import enum
import typing
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from . import types
from .commands import COMMANDS, Command, Join
from .draws import DrawPlan, DrawReceipt, EntryId, PassedWhy
from .errors import ErrorCode as E
from .events import Product
from .groupbuy import Invite
from .pushes import Snapshot
from .roles import EVERYONE, HOSTS, OPERATORS, SIGNED_IN, STAFF, Role
from .shop import SHOP_COMMANDS, ShopCommand

PAGE_MOST = 200


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why something was refused."""

    code: str  #: an error code of the protocol, or the HTTP status' own name
    text: str  #: for a developer's eyes, English
    temporary: bool = False  #: the same request may succeed later, unchanged
    retry_after_ms: int | None = None
    entered: DrawReceipt | None = None  #: a comment was the password of a draw, and is an entry all the same
    not_entered: str | None = None  #: a comment was the password of a draw, and this is why it is no entry either
    not_entered_why: str | None = None


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What every refusal has."""

    error: ErrorBody


class PageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A page, newest first."""

    before: Annotated[str, Meta(max_length=64, pattern=r"^[^\x00]*$")] | None = None  #: `next` of the page before
    limit: Annotated[int, Meta(ge=1, le=PAGE_MOST)] = 50


class TeamsQuery(PageQuery, frozen=True, kw_only=True):
    """Teams of a group buy; or the one team that an invite is for, whatever became of it."""

    invite: Invite | None = None


class LogQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a log, oldest first."""

    after: Annotated[int, Meta(ge=0, le=2**53 - 1)] = 0  #: seq of the last one known
    limit: Annotated[int, Meta(ge=1, le=PAGE_MOST)] = 50


class DeliveryQuery(PageQuery, frozen=True, kw_only=True):
    """Deliveries of webhooks, newest first."""

    endpoint: Annotated[str, Meta(max_length=64, pattern=r"^[^\x00]*$")] | None = None
    state: Literal["pending", "delivered", "failed"] | None = None
    type: Annotated[str, Meta(max_length=100, pattern=r"^[^\x00]*$")] | None = None


class InclusionQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which entry."""

    entry: EntryId


class DrawProof(msgspec.Struct, frozen=True, kw_only=True):
    """All that is needed to check a draw, as docs/draw-protocol.md describes it."""

    protocol: Literal["LTD1"]
    draw_id: str
    rules: dict[str, Any]
    rules_hash: str
    entries: list[tuple[str, int]]


class Inclusion(msgspec.Struct, frozen=True, kw_only=True):
    """That an entry is under the root of a draw."""

    draw: str
    root: str
    entry: str
    weight: int
    index: int  #: from 0, in order of entry id
    count: int  #: entries of the draw
    path: list[str]  #: neighbours from the leaf up


class DrawReceiptView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One's own receipt."""

    receipt: DrawReceipt
    inclusion: Inclusion | None = None  #: once the root is out


class DrawTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """A plan under a name."""

    name: str
    plan: DrawPlan


class DrawSetup(msgspec.Struct, frozen=True, kw_only=True):
    """What a host begins with."""

    templates: list[DrawTemplate]
    organiser: str
    drand: bool  #: a relay of the public beacon answers
    teams: bool  #: draws may ask for a team
    rehearsal: bool
    shop_key: str  #: Ed25519, hex: signs receipts


class PrizeState(enum.StrEnum):
    WAITS = "waits"  #: to be claimed
    CLAIMED = "claimed"  #: the winner said where it goes
    HANDED = "handed"  #: the shop says that the winner has it
    LATE = "late"  #: nobody claimed it in time; it goes on within a second or so
    NOBODY = "nobody"  #: too few took part, or no reserve was left


class DrawPrize(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one prize."""

    prize: int  #: number from 0
    tier: str
    name: str
    state: PrizeState
    winner: str | None = None  #: masked
    entry: str | None = None
    reserve: int | None = None  #: which reserve has it, from 1; null: who was drawn for it
    claim_until: int | None = None
    claimed_at: int | None = None
    why: PassedWhy | None = None  #: nobody has it: what took it from who had it last; null: too few took part
    delete_at: int | None = None  #: when what the winner wrote is deleted


class DrawPrizes(msgspec.Struct, frozen=True, kw_only=True):
    """Prizes of a draw."""

    items: list[DrawPrize]
    next_reserve: int | None  #: who is next when a prize goes on; null: nobody is left


class DrawRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody was refused for one reason, once or again."""

    who: types.Pseudonym
    code: E
    times: int
    first_at: types.Millis
    last_at: types.Millis


class DrawRefusals(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A page of a draw's refusals, newest first, and how many there are on all pages."""

    items: list[DrawRefusal]
    next: str | None = None  #: as `before` of the next page; absent: this was the last
    people: int  #: how many persons
    times: int  #: how often in all


class NewWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """Where a shop's webhooks go."""

    url: types.Url
    events: Annotated[list[types.EventName], Meta(max_length=100)] | None = None  #: null: all


class ChangedWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """What is null stays as it is."""

    url: types.Url | None = None
    events: Annotated[list[types.EventName], Meta(max_length=100)] | None = None


class RotateWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """How long the secret before signs beside the new one; 0 where it leaked."""

    overlap_s: Annotated[int, Meta(ge=0, le=7 * 86_400)] = 86_400


class ReplaySince(msgspec.Struct, frozen=True, kw_only=True):
    """Which of an endpoint's failed deliveries to send again."""

    since: types.Millis


class TicketRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket from a link."""

    ticket: types.Token


class TicketMade(msgspec.Struct, frozen=True, kw_only=True):
    """A one-use code for a link."""

    ticket: str
    expires_at: int


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A token for who came with a ticket."""

    token: str
    expires_at: int


class Listed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A page of a list."""

    items: list[dict[str, Any]]
    next: str | None = None  #: as `before` of the next page; absent: this was the last


class Products(msgspec.Struct, frozen=True, kw_only=True):
    """Products, in the order in which they were made."""

    items: list[Product]


class WebhookView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An endpoint, or what became of a delivery, as docs/webhooks.md describes it."""

    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    name: str
    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    text: str
    answer: type[msgspec.Struct]
    roles: frozenset[Role] | None = None  #: None: no token is asked for
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    keyed: bool = False  #: takes an `Idempotency-Key`
    needs_key: bool = False  #: and is refused without
    errors: tuple[E, ...] = ()
    command: type[Command] | type[ShopCommand] | None = None
    file: str | None = None  #: content type, where the answer is a file
    despite_ban: bool = False  #: who is banned from the room may too


def _body_of(command: type[Command] | type[ShopCommand]) -> type[msgspec.Struct]:
    """A command's own fields: its name stands in the path, its key in a header, and HTTP needs no ref."""
    hints = typing.get_type_hints(command, include_extras=True)
    fields: list[Any] = []
    for field in msgspec.structs.fields(command):
        if field.name in ("ref", "key"):
            continue
        hint = hints[field.name]
        if field.required:
            fields.append((field.name, hint))
        elif field.default_factory is not msgspec.NODEFAULT:
            fields.append((field.name, hint, msgspec.field(default_factory=field.default_factory)))
        else:
            fields.append((field.name, hint, field.default))
    made = msgspec.defstruct(f"{command.__name__}Body", fields, kw_only=True, frozen=True)
    made.__doc__ = command.__doc__
    return made


def _first_line(command: type[msgspec.Struct]) -> str:
    return (command.__doc__ or "").strip().splitlines()[0]


def _room_command(command: type[Command]) -> Operation:
    tag = str(command.__struct_config__.tag)
    return Operation(
        name=tag,
        method="POST",
        path=f"/v1/rooms/{{room}}/{tag}",
        text=_first_line(command),
        answer=command.reply,
        roles=command.roles - {Role.ANONYMOUS},
        body=_body_of(command),
        keyed="key" in command.__struct_fields__,
        needs_key=any(each.name == "key" and each.required for each in msgspec.structs.fields(command)),
        errors=(E.ROOM_NOT_FOUND, *(() if command.despite_ban else (E.BANNED,)), *command.errors),
        command=command,
        despite_ban=command.despite_ban,
    )


def _shop_command(command: type[ShopCommand]) -> Operation:
    tag = str(command.__struct_config__.tag)
    return Operation(
        name=tag,
        method="POST",
        path=f"/v1/shops/{{shop}}/{tag}",
        text=_first_line(command),
        answer=command.answer,
        roles=command.roles,
        body=_body_of(command),
        keyed=True,
        errors=(E.SHOP_NOT_FOUND, *command.errors),
        command=command,
    )


_SIGNED = EVERYONE - {Role.ANONYMOUS}
_HOOKS = "/v1/shops/{shop}/webhooks"
OPERATIONS: tuple[Operation, ...] = (
    Operation("room", "GET", "/v1/rooms/{room}", "A room as it is now; to staff, what staff see.", Snapshot,
              errors=(E.ROOM_NOT_FOUND,)),
    Operation("products", "GET", "/v1/rooms/{room}/products", "What the room's shop sells.", Products,
              errors=(E.ROOM_NOT_FOUND,)),
    Operation("comments", "GET", "/v1/rooms/{room}/comments",
              "Comments, newest first: those on screen; to staff all, with what became of them.", Listed,
              query=PageQuery, errors=(E.ROOM_NOT_FOUND,)),
    Operation("log", "GET", "/v1/rooms/{room}/log", "The room log, from any point.", Listed, query=LogQuery,
              errors=(E.ROOM_NOT_FOUND,)),
    Operation("staff_log", "GET", "/v1/rooms/{room}/staff_log", "The staff log, from any point.", Listed, STAFF,
              query=LogQuery, errors=(E.ROOM_NOT_FOUND,)),
    *(_room_command(each) for each in COMMANDS if each is not Join),
    Operation("deals", "GET", "/v1/rooms/{room}/deals", "The room's group buys, newest first, with what is left.",
              Listed, query=PageQuery, errors=(E.ROOM_NOT_FOUND,)),
    Operation("teams", "GET", "/v1/rooms/{room}/deals/{deal}/teams",
              "Teams that anyone may join, those that need least first; to staff all, undecided first, then newest.",
              Listed, query=TeamsQuery, errors=(E.ROOM_NOT_FOUND, E.DEAL_NOT_FOUND)),
    Operation("own_seats", "GET", "/v1/rooms/{room}/seats", "Your own seats and orders, newest first.", Listed,
              SIGNED_IN, errors=(E.ROOM_NOT_FOUND,)),
    Operation("orders", "GET", "/v1/rooms/{room}/deals/{deal}/orders", "Orders of a group buy, newest first.", Listed,
              OPERATORS, query=PageQuery, errors=(E.ROOM_NOT_FOUND, E.DEAL_NOT_FOUND)),
    Operation("settlement", "GET", "/v1/rooms/{room}/deals/{deal}/settlement.csv",
              "Every payment of a group buy as CSV; the last line closes: taken less given back is what was sold.",
              Listed, OPERATORS, errors=(E.ROOM_NOT_FOUND, E.DEAL_NOT_FOUND), file="text/csv"),
    Operation("draws", "GET", "/v1/rooms/{room}/draws",
              "Every draw of the room that was ever opened, newest first: voids and cancellations too.", Listed,
              query=PageQuery, errors=(E.ROOM_NOT_FOUND,)),
    Operation("draw_setup", "GET", "/v1/rooms/{room}/draw_setup", "Templates, and what draws can rest on here.",
              DrawSetup, HOSTS, errors=(E.ROOM_NOT_FOUND,)),
    Operation("draw_receipt", "GET", "/v1/rooms/{room}/draws/{draw}/receipt",
              "One's own receipt, with its proof of inclusion.", DrawReceiptView, _SIGNED,
              errors=(E.ROOM_NOT_FOUND, E.DRAW_NOT_FOUND, E.ENTRY_NOT_FOUND)),
    Operation("draw_refusals", "GET", "/v1/rooms/{room}/draws/{draw}/refusals",
              "Who was refused, why and how often.", DrawRefusals, STAFF, query=PageQuery,
              errors=(E.ROOM_NOT_FOUND, E.DRAW_NOT_FOUND)),
    Operation("draw_proof", "GET", "/v1/draws/{draw}/proof", "All that is needed to check a draw: one document.",
              DrawProof, errors=(E.DRAW_NOT_FOUND, E.DRAW_NOT_DRAWN)),
    Operation("draw_inclusion", "GET", "/v1/draws/{draw}/inclusion", "That an entry is under the draw's root.",
              Inclusion, query=InclusionQuery, errors=(E.DRAW_NOT_FOUND, E.ENTRY_NOT_FOUND, E.DRAW_STATE)),
    Operation("draw_prizes", "GET", "/v1/rooms/{room}/draws/{draw}/prizes",
              "What became of each prize of a draw.", DrawPrizes, STAFF, errors=(E.ROOM_NOT_FOUND, E.DRAW_NOT_FOUND)),
    Operation("draw_claims", "GET", "/v1/shops/{shop}/draws/{draw}/claims",
              "Winners of a draw and where their prizes go: CSV.", Listed, OPERATORS,
              errors=(E.SHOP_NOT_FOUND, E.DRAW_NOT_FOUND), file="text/csv"),
    Operation("rooms", "GET", "/v1/shops/{shop}/rooms", "The shop's rooms, and those of its rehearsals.", Listed,
              OPERATORS, errors=(E.SHOP_NOT_FOUND,)),
    Operation("staff", "GET", "/v1/shops/{shop}/staff", "The shop's staff.", Listed, OPERATORS,
              errors=(E.SHOP_NOT_FOUND,)),
    Operation("keys", "GET", "/v1/shops/{shop}/keys", "The shop's keys, without their secrets.", Listed, OPERATORS,
              errors=(E.SHOP_NOT_FOUND,)),
    Operation("words", "GET", "/v1/shops/{shop}/words", "The shop's own words.", Listed, OPERATORS,
              errors=(E.SHOP_NOT_FOUND,)),
    Operation("purchases", "GET", "/v1/shops/{shop}/purchases", "Purchases, newest first.", Listed, OPERATORS,
              query=PageQuery, errors=(E.SHOP_NOT_FOUND,)),
    *(_shop_command(each) for each in SHOP_COMMANDS),
    Operation("webhooks", "GET", _HOOKS, "Where the shop's webhooks go.", Listed, OPERATORS,
              errors=(E.SHOP_NOT_FOUND,)),
    Operation("add_webhook", "POST", _HOOKS, "Send webhooks there too; the answer holds the secret, once.",
              WebhookView, OPERATORS, body=NewWebhook, keyed=True,
              errors=(E.SHOP_NOT_FOUND, E.WEBHOOK_TARGET_REFUSED, E.WEBHOOK_LIMIT)),
    Operation("change_webhook", "PATCH", _HOOKS + "/{webhook}", "Change where or what.", WebhookView, OPERATORS,
              body=ChangedWebhook, keyed=True,
              errors=(E.SHOP_NOT_FOUND, E.WEBHOOK_NOT_FOUND, E.WEBHOOK_TARGET_REFUSED)),
    Operation("remove_webhook", "DELETE", _HOOKS + "/{webhook}", "Send nothing there any more.", WebhookView, OPERATORS,
              keyed=True, errors=(E.SHOP_NOT_FOUND, E.WEBHOOK_NOT_FOUND)),
    Operation("rotate_webhook", "POST", _HOOKS + "/{webhook}/rotate",
              "Make a new secret; the one before signs too for a while.", WebhookView, OPERATORS, body=RotateWebhook,
              keyed=True, needs_key=True, errors=(E.SHOP_NOT_FOUND, E.WEBHOOK_NOT_FOUND)),
    Operation("enable_webhook", "POST", _HOOKS + "/{webhook}/enable", "Send there again.", WebhookView, OPERATORS,
              keyed=True, errors=(E.SHOP_NOT_FOUND, E.WEBHOOK_NOT_FOUND)),
    Operation("disable_webhook", "POST", _HOOKS + "/{webhook}/disable", "Pause it.", WebhookView, OPERATORS,
              keyed=True, errors=(E.SHOP_NOT_FOUND, E.WEBHOOK_NOT_FOUND)),
    Operation("ping_webhook", "POST", _HOOKS + "/{webhook}/ping", "Send a test event.", WebhookView, OPERATORS,
              keyed=True, errors=(E.SHOP_NOT_FOUND, E.WEBHOOK_NOT_FOUND, E.WEBHOOK_DISABLED)),
    Operation("replay_webhook", "POST", _HOOKS + "/{webhook}/replay", "Send all that failed since then again.",
              WebhookView, OPERATORS, body=ReplaySince,
              errors=(E.SHOP_NOT_FOUND, E.WEBHOOK_NOT_FOUND, E.WEBHOOK_DISABLED)),
    Operation("deliveries", "GET", "/v1/shops/{shop}/deliveries", "Deliveries, newest first.", Listed, OPERATORS,
              query=DeliveryQuery, errors=(E.SHOP_NOT_FOUND,)),
    Operation("delivery", "GET", "/v1/shops/{shop}/deliveries/{delivery}", "One delivery, with what is sent.",
              WebhookView, OPERATORS, errors=(E.SHOP_NOT_FOUND, E.DELIVERY_NOT_FOUND)),
    Operation("replay_delivery", "POST", "/v1/shops/{shop}/deliveries/{delivery}/replay", "Send it again.",
              WebhookView, OPERATORS, keyed=True, errors=(E.SHOP_NOT_FOUND, E.DELIVERY_NOT_FOUND, E.WEBHOOK_DISABLED)),
    Operation("issue_ticket", "POST", "/v1/tickets", "A one-use code to sign in with elsewhere.", TicketMade,
              frozenset({Role.HOST, Role.OPERATOR, Role.SERVICE})),
    Operation("redeem_ticket", "POST", "/v1/tickets/redeem", "Sign in with a ticket.", Session, body=TicketRequest,
              errors=(E.TICKET_INVALID,)),
)  # fmt: skip

#: HTTP status of each refusal; what is not named here is 409
STATUS: dict[E, int] = {
    E.INVALID: 400, E.KEY_REFUSED: 400, E.TIME_ZONE_UNKNOWN: 400, E.WEBHOOK_TARGET_REFUSED: 400, E.AMOUNT_REFUSED: 400,
    E.TOKEN_INVALID: 401, E.TOKEN_EXPIRED: 401, E.TICKET_INVALID: 401,
    E.FORBIDDEN: 403, E.BANNED: 403, E.MUTED: 403, E.SIGN_IN_REQUIRED: 403, E.SECOND_PERSON: 403,
    E.ROOM_NOT_FOUND: 404, E.SHOP_NOT_FOUND: 404, E.COMMENT_NOT_FOUND: 404, E.MESSAGE_NOT_FOUND: 404,
    E.PERSON_NOT_FOUND: 404, E.PRODUCT_NOT_FOUND: 404, E.PURCHASE_NOT_FOUND: 404, E.REFUND_NOT_FOUND: 404,
    E.WEBHOOK_NOT_FOUND: 404, E.DELIVERY_NOT_FOUND: 404, E.KEY_NOT_FOUND: 404, E.UNKNOWN_COMMAND: 404,
    E.DRAW_NOT_FOUND: 404, E.ENTRY_NOT_FOUND: 404, E.TEMPLATE_NOT_FOUND: 404, E.DRAW_RULES_REFUSED: 400,
    E.DRAW_STAFF: 403, E.DRAW_EXCLUDED: 403, E.DRAW_NOT_ELIGIBLE: 403, E.NOT_A_WINNER: 403, E.RECEIPT_INVALID: 403,
    E.RATE_LIMITED: 429, E.SLOW_MODE: 429,
    E.DEAL_NOT_FOUND: 404, E.TEAM_NOT_FOUND: 404, E.INVITE_INVALID: 404, E.SEAT_NOT_FOUND: 404, E.ORDER_NOT_FOUND: 404,
    E.TERMS_REFUSED: 400,
    E.NEW_CUSTOMERS_ONLY: 403,
    E.WEBHOOK_FORGED: 401,
    E.INTERNAL: 500,
    E.BUSY: 503, E.UNAVAILABLE: 503, E.OUTCOME_UNKNOWN: 503,
}  # fmt: skip


def status_of(code: E) -> int:
    return STATUS.get(code, 409)
