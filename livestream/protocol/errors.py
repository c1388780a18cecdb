"""Error codes, close codes and the exceptions that carry them.

    LivestreamError
     ├─ Refused            the domain says no; counted, not logged
     ├─ ProtocolViolation  the peer broke the grammar; close and do not come back
     ├─ Unavailable        a dependency is away; temporary, try again after `retry_after_ms`
     └─ OutcomeUnknown     the connection to the store broke at COMMIT; send the same key again

Anything else that is raised is a bug of ours.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .draws import DrawReceipt


class ErrorInfo(NamedTuple):
    text: str  #: what to do about it, for a developer's eyes
    temporary: bool  #: the same command may succeed later, unchanged


class ErrorCode(enum.StrEnum):
    """Why a command was refused. A reply names exactly one."""

    INVALID = "invalid"
    UNKNOWN_COMMAND = "unknown_command"
    NOT_JOINED = "not_joined"
    ALREADY_JOINED = "already_joined"
    ROOM_NOT_FOUND = "room_not_found"
    TOKEN_INVALID = "token_invalid"
    TOKEN_EXPIRED = "token_expired"
    TICKET_INVALID = "ticket_invalid"
    SIGN_IN_REQUIRED = "sign_in_required"
    NAME_REQUIRED = "name_required"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    OUTCOME_UNKNOWN = "outcome_unknown"
    KEY_REUSED = "key_reused"
    COMMENTS_CLOSED = "comments_closed"
    NO_SHOW = "no_show"
    SHOW_OPEN = "show_open"
    ILLEGAL_TRANSITION = "illegal_transition"
    MESSAGE_NOT_FOUND = "message_not_found"
    COMMENT_NOT_FOUND = "comment_not_found"
    BANNED = "banned"
    NAME_REFUSED = "name_refused"
    MUTED = "muted"
    BUYERS_ONLY = "buyers_only"
    SLOW_MODE = "slow_mode"
    LINK_REFUSED = "link_refused"
    TEXT_REFUSED = "text_refused"
    PERSON_NOT_FOUND = "person_not_found"
    NOT_STAFF = "not_staff"
    NOT_SANCTIONED = "not_sanctioned"
    TOO_MANY = "too_many"
    FROZEN = "frozen"
    NOT_FROZEN = "not_frozen"
    NO_COUNTDOWN = "no_countdown"
    PRODUCT_NOT_FOUND = "product_not_found"
    PURCHASE_NOT_FOUND = "purchase_not_found"
    AMOUNT_REFUSED = "amount_refused"
    REFUND_NOT_FOUND = "refund_not_found"
    SECOND_PERSON = "second_person"
    ID_TAKEN = "id_taken"
    KEY_REFUSED = "key_refused"
    KEY_NOT_FOUND = "key_not_found"
    LAST_KEY = "last_key"
    TIME_ZONE_UNKNOWN = "time_zone_unknown"
    REHEARSAL = "rehearsal"
    SHOP_NOT_FOUND = "shop_not_found"
    WEBHOOK_NOT_FOUND = "webhook_not_found"
    WEBHOOK_TARGET_REFUSED = "webhook_target_refused"
    WEBHOOK_DISABLED = "webhook_disabled"
    WEBHOOK_LIMIT = "webhook_limit"
    DELIVERY_NOT_FOUND = "delivery_not_found"
    DEAL_NOT_FOUND = "deal_not_found"
    DEAL_CLOSED = "deal_closed"
    TERMS_REFUSED = "terms_refused"
    PRICE_LOW = "price_low"
    SOLD_OUT = "sold_out"
    TEAMS_FULL = "teams_full"
    TEAM_NOT_FOUND = "team_not_found"
    INVITE_INVALID = "invite_invalid"
    TEAM_CLOSED = "team_closed"
    TEAM_LATE = "team_late"
    TEAM_FULL = "team_full"
    TEAM_MEMBER = "team_member"
    SEAT_TAKEN = "seat_taken"
    LIMIT_REACHED = "limit_reached"
    NEW_CUSTOMERS_ONLY = "new_customers_only"
    SEAT_NOT_FOUND = "seat_not_found"
    ORDER_NOT_FOUND = "order_not_found"
    SEAT_LOST = "seat_lost"
    SEAT_PAID = "seat_paid"
    PAYMENT_REFUSED = "payment_refused"
    WEBHOOK_FORGED = "webhook_forged"
    DRAW_NOT_FOUND = "draw_not_found"
    DRAW_NOT_OPEN = "draw_not_open"
    DRAW_ENTERED = "draw_entered"
    DRAW_STAFF = "draw_staff"
    DRAW_EXCLUDED = "draw_excluded"
    DRAW_NOT_ELIGIBLE = "draw_not_eligible"
    DRAW_RULES_REFUSED = "draw_rules_refused"
    DRAW_ACTIVE = "draw_active"
    DRAW_STATE = "draw_state"
    DRAW_QUEUE_FULL = "draw_queue_full"
    DRAW_NOT_DRAWN = "draw_not_drawn"
    REVEAL_REFUSED = "reveal_refused"
    NOT_A_WINNER = "not_a_winner"
    CLAIM_LATE = "claim_late"
    CLAIMED = "claimed"
    RECEIPT_INVALID = "receipt_invalid"
    ENTRY_NOT_FOUND = "entry_not_found"
    TEMPLATE_NOT_FOUND = "template_not_found"
    INTERNAL = "internal"


ERRORS: dict[ErrorCode, ErrorInfo] = {
    ErrorCode.INVALID: ErrorInfo("A field is missing, of the wrong type or out of range; the text names it.", False),
    ErrorCode.UNKNOWN_COMMAND: ErrorInfo("The server knows no command of this name.", False),
    ErrorCode.NOT_JOINED: ErrorInfo("Send `join` first.", False),
    ErrorCode.ALREADY_JOINED: ErrorInfo(
        "A connection joins one room once; open another connection for another room.", False
    ),
    ErrorCode.ROOM_NOT_FOUND: ErrorInfo("No room of this id.", False),
    ErrorCode.TOKEN_INVALID: ErrorInfo(
        "The token's signature, issuer, audience, room or role does not hold; ask the shop for a new one.", False
    ),
    ErrorCode.TOKEN_EXPIRED: ErrorInfo("The token is past its `exp`; ask the shop for a new one.", False),
    ErrorCode.TICKET_INVALID: ErrorInfo("The ticket is unknown, used or expired; ask for a new one.", False),
    ErrorCode.SIGN_IN_REQUIRED: ErrorInfo("Anonymous viewers may not do this here; join with a token.", False),
    ErrorCode.NAME_REQUIRED: ErrorInfo("Join with a display name to comment.", False),
    ErrorCode.FORBIDDEN: ErrorInfo("Your role may not do this; the permission table says who may.", False),
    ErrorCode.RATE_LIMITED: ErrorInfo("Too many of this kind from you; wait `retry_after_ms`.", True),
    ErrorCode.BUSY: ErrorInfo("The server sheds load; wait `retry_after_ms` and send again.", True),
    ErrorCode.UNAVAILABLE: ErrorInfo("A store is away and nothing was done; wait `retry_after_ms`.", True),
    ErrorCode.OUTCOME_UNKNOWN: ErrorInfo(
        "The store went away while it committed; send the same command with the same `key` to learn the outcome.",
        True,
    ),
    ErrorCode.KEY_REUSED: ErrorInfo("This idempotency key was used with another body; make a new key.", False),
    ErrorCode.COMMENTS_CLOSED: ErrorInfo("No comments now: the show is not warming up, live or paused.", False),
    ErrorCode.NO_SHOW: ErrorInfo("The room has no show to change; schedule one.", False),
    ErrorCode.SHOW_OPEN: ErrorInfo("The room's present show has not ended; end it first.", False),
    ErrorCode.ILLEGAL_TRANSITION: ErrorInfo("The show cannot go from its present state to that one.", False),
    ErrorCode.MESSAGE_NOT_FOUND: ErrorInfo("No host message of this id in this room.", False),
    ErrorCode.COMMENT_NOT_FOUND: ErrorInfo("No comment of this id in this room.", False),
    ErrorCode.BANNED: ErrorInfo("Staff put you out of this room; the text says until when.", False),
    ErrorCode.NAME_REFUSED: ErrorInfo("This display name is not allowed here; take another one.", False),
    ErrorCode.MUTED: ErrorInfo(
        "Staff muted you in this room; `retry_after_ms` says for how long, if not for ever.", False
    ),
    ErrorCode.BUYERS_ONLY: ErrorInfo("Only people who bought something may comment now.", False),
    ErrorCode.SLOW_MODE: ErrorInfo("One comment in a while, please; wait `retry_after_ms`.", True),
    ErrorCode.LINK_REFUSED: ErrorInfo("Only staff may post links now.", False),
    ErrorCode.TEXT_REFUSED: ErrorInfo("The shop does not allow these words.", False),
    ErrorCode.PERSON_NOT_FOUND: ErrorInfo("Nobody of this pseudonym was here, or not in the needed role.", False),
    ErrorCode.NOT_STAFF: ErrorInfo("This person is staff; an operator has to take the role away first.", False),
    ErrorCode.NOT_SANCTIONED: ErrorInfo("This person is not muted or banned.", False),
    ErrorCode.TOO_MANY: ErrorInfo("A list is full; take something out of it first.", False),
    ErrorCode.FROZEN: ErrorInfo("The room is frozen; unfreeze it first.", False),
    ErrorCode.NOT_FROZEN: ErrorInfo("The room is not frozen.", False),
    ErrorCode.NO_COUNTDOWN: ErrorInfo("No countdown runs.", False),
    ErrorCode.PRODUCT_NOT_FOUND: ErrorInfo("The shop has no product of this number.", False),
    ErrorCode.PURCHASE_NOT_FOUND: ErrorInfo("The shop has reported no purchase of this number.", False),
    ErrorCode.AMOUNT_REFUSED: ErrorInfo("Nothing, or more than is left of the purchase.", False),
    ErrorCode.REFUND_NOT_FOUND: ErrorInfo("No refund of this id waits for a decision.", False),
    ErrorCode.SECOND_PERSON: ErrorInfo("Who asked for a refund cannot confirm it: another operator must.", False),
    ErrorCode.ID_TAKEN: ErrorInfo("There is one of this id already; take another.", False),
    ErrorCode.KEY_REFUSED: ErrorInfo("Not a public key of Ed25519 in PEM.", False),
    ErrorCode.KEY_NOT_FOUND: ErrorInfo("The shop has no such key that holds.", False),
    ErrorCode.LAST_KEY: ErrorInfo("The shop's last key cannot be retired; add another first.", False),
    ErrorCode.TIME_ZONE_UNKNOWN: ErrorInfo("No time zone of this name.", False),
    ErrorCode.REHEARSAL: ErrorInfo("Not in a rehearsal: it would be for real. Ask it of the shop itself.", False),
    ErrorCode.SHOP_NOT_FOUND: ErrorInfo("No shop of this id, or the token is another shop's.", False),
    ErrorCode.WEBHOOK_NOT_FOUND: ErrorInfo("The shop has no webhook endpoint of this id.", False),
    ErrorCode.WEBHOOK_TARGET_REFUSED: ErrorInfo("Webhooks may not go to this URL; the text says why.", False),
    ErrorCode.WEBHOOK_DISABLED: ErrorInfo("The webhook endpoint is disabled; enable it first.", False),
    ErrorCode.WEBHOOK_LIMIT: ErrorInfo("The shop has as many webhook endpoints as it may; remove one.", False),
    ErrorCode.DELIVERY_NOT_FOUND: ErrorInfo("The shop has no webhook delivery of this id, or no longer.", False),
    ErrorCode.DEAL_NOT_FOUND: ErrorInfo("No group buy of this id in this room.", False),
    ErrorCode.DEAL_CLOSED: ErrorInfo("The group buy takes no teams now: it is paused, over or was taken back.", False),
    ErrorCode.TERMS_REFUSED: ErrorInfo("These rules do not fit together; the text says which.", False),
    ErrorCode.PRICE_LOW: ErrorInfo(
        "A price is below half of the single price: say `low_price` if that is meant.", False
    ),
    ErrorCode.SOLD_OUT: ErrorInfo(
        "Not enough units are left for a whole team; they may come back when a team fails.", False
    ),
    ErrorCode.TEAMS_FULL: ErrorInfo("Open teams hold as much of the stock as they may; join one of them.", False),
    ErrorCode.TEAM_NOT_FOUND: ErrorInfo("No team of this id that you may join this way.", False),
    ErrorCode.INVITE_INVALID: ErrorInfo("No team of this group buy has this invite.", False),
    ErrorCode.TEAM_CLOSED: ErrorInfo("The team is complete, expired or was taken back.", False),
    ErrorCode.TEAM_LATE: ErrorInfo("The deadline of the team is past.", False),
    ErrorCode.TEAM_FULL: ErrorInfo("Every seat of the team is held or paid.", False),
    ErrorCode.TEAM_MEMBER: ErrorInfo("You are in this team.", False),
    ErrorCode.SEAT_TAKEN: ErrorInfo("You have a seat in another team of this group buy; one at a time.", False),
    ErrorCode.LIMIT_REACHED: ErrorInfo("You bought as often in this group buy as one viewer may.", False),
    ErrorCode.NEW_CUSTOMERS_ONLY: ErrorInfo(
        "Only people who never bought in this shop may join; you may open a team of your own.", False
    ),
    ErrorCode.SEAT_NOT_FOUND: ErrorInfo("You have no such seat in this group buy.", False),
    ErrorCode.ORDER_NOT_FOUND: ErrorInfo("This group buy has no such order.", False),
    ErrorCode.SEAT_LOST: ErrorInfo(
        "The seat is yours no more: its hold or the time to pay it ran out, or its money went back.", False
    ),
    ErrorCode.SEAT_PAID: ErrorInfo("The seat is paid already.", False),
    ErrorCode.PAYMENT_REFUSED: ErrorInfo("The payment provider refused to open the payment; the text says why.", False),
    ErrorCode.WEBHOOK_FORGED: ErrorInfo(
        "The notification is not signed by the payment provider, or is too old.", False
    ),
    ErrorCode.DRAW_NOT_FOUND: ErrorInfo("No draw of this id in this room.", False),
    ErrorCode.DRAW_NOT_OPEN: ErrorInfo("The draw takes no entries yet, or any more.", False),
    ErrorCode.DRAW_ENTERED: ErrorInfo("You are in this draw already.", False),
    ErrorCode.DRAW_STAFF: ErrorInfo("Staff take no part in draws.", False),
    ErrorCode.DRAW_EXCLUDED: ErrorInfo("You won one of the last draws; the rules say for how many you wait.", False),
    ErrorCode.DRAW_NOT_ELIGIBLE: ErrorInfo("The draw's rules ask for something first; the text names it.", False),
    ErrorCode.DRAW_RULES_REFUSED: ErrorInfo("These rules do not fit together; the text says why.", False),
    ErrorCode.DRAW_ACTIVE: ErrorInfo("Another draw of this room is open or closed; wait for its winners.", False),
    ErrorCode.DRAW_STATE: ErrorInfo("The draw is in another state; the text names it.", False),
    ErrorCode.DRAW_QUEUE_FULL: ErrorInfo("So many draws are announced already; open or cancel one.", False),
    ErrorCode.DRAW_NOT_DRAWN: ErrorInfo("There is no proof yet: the root of the draw is not out.", False),
    ErrorCode.REVEAL_REFUSED: ErrorInfo("Not what this party committed to, or too early, or too late.", False),
    ErrorCode.NOT_A_WINNER: ErrorInfo("No prize of this draw waits for you.", False),
    ErrorCode.CLAIM_LATE: ErrorInfo("The time to claim this prize is over.", False),
    ErrorCode.CLAIMED: ErrorInfo("This prize is claimed already.", False),
    ErrorCode.RECEIPT_INVALID: ErrorInfo("The receipt is not the shop's, or not of this draw.", False),
    ErrorCode.ENTRY_NOT_FOUND: ErrorInfo("No entry of this id in this draw.", False),
    ErrorCode.TEMPLATE_NOT_FOUND: ErrorInfo("The shop has no template of this name.", False),
    ErrorCode.INTERNAL: ErrorInfo("Our fault; it is logged under the request's ref.", True),
}


class CloseInfo(NamedTuple):
    text: str
    reconnect: bool  #: come back by yourself, with a jittered delay, and resume
    fresh_token: bool = False  #: get a new token before coming back


class CloseCode(enum.IntEnum):
    """Why the server closed. 4000-4099: come back; 4100-4199: with a new token; 4200-4299: stay away."""

    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    BAD_UTF8 = 1007
    TOO_BIG = 1009
    DRAIN = 4000
    SLOW = 4001
    REBALANCE = 4002
    PONG_TIMEOUT = 4003
    TRY_LATER = 4004
    TOKEN_EXPIRED = 4100
    REVOKED = 4101
    BAD_FRAME = 4200
    JOIN_TIMEOUT = 4201
    FLOOD = 4202
    REPLACED = 4203
    BANNED = 4204
    ROOM_GONE = 4205


CLOSES: dict[CloseCode, CloseInfo] = {
    CloseCode.GOING_AWAY: CloseInfo("The process stops at once.", True),
    CloseCode.PROTOCOL_ERROR: CloseInfo("The peer broke RFC 6455.", False),
    CloseCode.BAD_UTF8: CloseInfo("A text frame was not UTF-8.", False),
    CloseCode.TOO_BIG: CloseInfo(
        "A message, a fragment or an inflated message is over the limit, or in too many fragments.", False
    ),
    CloseCode.DRAIN: CloseInfo("The process is being replaced; come back and resume.", True),
    CloseCode.SLOW: CloseInfo("You read too slowly and your buffer is full; come back and resume.", True),
    CloseCode.REBALANCE: CloseInfo("This process has more than its share; come back and resume.", True),
    CloseCode.PONG_TIMEOUT: CloseInfo("No sign of life after a ping; come back and resume.", True),
    CloseCode.TRY_LATER: CloseInfo("The server sheds load; come back later.", True),
    CloseCode.TOKEN_EXPIRED: CloseInfo("Your token expired; come back with a new one.", True, True),
    CloseCode.REVOKED: CloseInfo("Your role or your token was taken back; come back with a new one.", True, True),
    CloseCode.BAD_FRAME: CloseInfo("The frame is not a list of commands in the negotiated codec.", False),
    CloseCode.JOIN_TIMEOUT: CloseInfo("No join in time.", False),
    CloseCode.FLOOD: CloseInfo("You went on sending after many refusals, or flooded control frames.", False),
    CloseCode.REPLACED: CloseInfo("You opened more connections than one viewer may have; the oldest goes.", False),
    CloseCode.BANNED: CloseInfo("Staff put you out of this room.", False),
    CloseCode.ROOM_GONE: CloseInfo("The room is no more: a rehearsal that was erased.", False),
}


class LivestreamError(Exception):
    """Root of everything this project raises on purpose."""


class Refused(LivestreamError):
    """The domain says no: nothing was changed."""

    def __init__(
        self,
        code: ErrorCode,
        detail: str = "",
        *,
        retry_after_ms: int | None = None,
        entered: DrawReceipt | None = None,
        not_entered: ErrorCode | None = None,
        not_entered_why: str | None = None,
    ) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.retry_after_ms = retry_after_ms
        self.entered = entered  #: of a comment that was the password of a draw: it is an entry all the same
        self.not_entered = not_entered  #: of a comment that was the password of a draw: why it is no entry either
        self.not_entered_why = not_entered_why


class ProtocolViolation(LivestreamError):
    """The peer broke the grammar: close with `close`."""

    def __init__(self, close: CloseCode, detail: str) -> None:
        super().__init__(close, detail)
        self.close = close
        self.detail = detail


class Unavailable(LivestreamError):
    """A dependency is away; nothing was done."""

    def __init__(self, dependency: str, *, retry_after_ms: int = 1000) -> None:
        super().__init__(dependency)
        self.dependency = dependency
        self.retry_after_ms = retry_after_ms


class Internal(LivestreamError):
    """Our own fault, which was logged where it happened."""


class OutcomeUnknown(LivestreamError):
    """The connection to the store broke while it committed."""
