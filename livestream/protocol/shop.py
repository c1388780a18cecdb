"""Shop: what the shop's backend and its operators ask about the shop itself, over HTTP alone.

Each is `POST /v1/shops/{shop}/{command}`, with an `Idempotency-Key` header where
it is to have one effect. Fields are only added, never repurposed.
"""

from __future__ import annotations

import typing
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from . import types
from .errors import ErrorCode as E
from .events import Picture
from .roles import BACKEND, OPERATORS, Role


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every answer has: nothing but its own fields."""


class Done(Answer, frozen=True):
    """Done, and durable."""


class ShopCommand(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", forbid_unknown_fields=True):
    """What every command about a shop has."""

    roles: ClassVar[frozenset[Role]]  #: who may ask it; anyone else gets `forbidden`
    answer: ClassVar[type[Answer]] = Done
    errors: ClassVar[tuple[E, ...]] = ()  #: beside those every command may get


# -- rooms and staff


class CreateRoom(ShopCommand, frozen=True, tag="create_room"):
    """Make a room."""

    roles = BACKEND
    errors = (E.ID_TAKEN,)

    room: types.RoomId
    title: types.Title


class PutStaff(ShopCommand, frozen=True, tag="put_staff"):
    """Name somebody as staff, of one room or of all; the role in their tokens is what they may do."""

    roles = BACKEND
    errors = (E.ROOM_NOT_FOUND,)

    viewer: types.ViewerId
    name: types.Name
    role: Literal["moderator", "host", "operator"]
    room: types.RoomId | None = None  #: null: every room of the shop


class RemoveStaff(ShopCommand, frozen=True, tag="remove_staff"):
    """Take somebody off the staff: their tokens are revoked, their connections close."""

    roles = OPERATORS

    viewer: types.ViewerId


class Revoke(ShopCommand, frozen=True, tag="revoke"):
    """Refuse all tokens of a person that were issued until now, and close their connections."""

    roles = OPERATORS
    errors = (E.REHEARSAL,)

    viewer: types.ViewerId


# -- keys and settings


class KeyMade(Answer, frozen=True):
    """A key; its secret is told this once."""

    kid: str
    key: str | None = None  #: of HS256; null: the shop keeps its private key


class AddKey(ShopCommand, frozen=True, tag="add_key"):
    """Add a key under which tokens are signed; both hold until the old one is retired."""

    roles = BACKEND
    answer = KeyMade
    errors = (E.KEY_REFUSED,)

    public_key: types.Pem | None = None  #: Ed25519, PEM; null: a secret is made


class RetireKey(ShopCommand, frozen=True, tag="retire_key"):
    """Refuse tokens under a key from now on; who came with one is sent away."""

    roles = BACKEND
    errors = (E.KEY_NOT_FOUND, E.LAST_KEY)

    kid: types.ShopsOwn


#: kinds of personal data that are kept for a time
Kept = Literal["comments", "waiting", "people", "staff_log", "notices", "sanctions"]


class SetShop(ShopCommand, frozen=True, tag="set_shop"):
    """Change the shop's settings; what is null stays as it is."""

    roles = BACKEND
    errors = (E.TIME_ZONE_UNKNOWN,)

    name: types.Title | None = None
    time_zone: types.TimeZone | None = None
    refund_limit: types.Amount | None = None  #: in hundredths of the currency's unit, for all refunds of a purchase
    starter_languages: list[Literal["en", "zh", "fr", "pl"]] | None = None  #: word lists of ours that hold
    retention_days: dict[Kept, Annotated[int, Meta(ge=1, le=3650)]] | None = None


class ReviewSet(Answer, frozen=True):
    """With the secret that signs what the service gets; it is not shown again."""

    secret: str | None = None


class SetReview(ShopCommand, frozen=True, tag="set_review"):
    """Have a service of the shop's judge comments before they are shown; null: none does."""

    roles = BACKEND
    answer = ReviewSet
    errors = (E.WEBHOOK_TARGET_REFUSED,)

    url: types.Url | None
    fallback: Literal["show", "hold"] = "show"  #: what becomes of comments it does not judge within 200 ms


class PutWords(ShopCommand, frozen=True, tag="put_words"):
    """Add words to the shop's list, or change what becomes of them; `*` at the end takes any ending."""

    roles = OPERATORS

    words: Annotated[list[types.Word], Meta(min_length=1, max_length=1000)]
    action: Literal["hold", "refuse", "allow"]  #: allow: takes a word out of the starter lists


class RemoveWords(ShopCommand, frozen=True, tag="remove_words"):
    """Take words off the shop's list."""

    roles = OPERATORS

    words: Annotated[list[types.Word], Meta(min_length=1, max_length=1000)]


# -- products and purchases


class PutVariant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One form in which a product is sold."""

    id: types.ProductId
    title: types.Title
    price: types.Amount
    stock: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None  #: units; null: not counted


class PutProduct(ShopCommand, frozen=True, tag="put_product"):
    """Make a product, or change it as a whole. Where it is on screen, viewers see the change at once."""

    roles = OPERATORS

    product: types.ProductId
    title: types.Title
    price: types.Amount
    currency: types.Currency
    exponent: types.Exponent = 2
    tax_included: bool = True
    reference_price: types.Amount | None = None
    stock: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None  #: units; null: not counted, or by variant
    pictures: Annotated[list[Picture], Meta(max_length=20)] = []
    url: types.Url | None = None
    ar_model: types.Url | None = None
    variants: Annotated[list[PutVariant], Meta(max_length=100)] = []


class RemoveProduct(ShopCommand, frozen=True, tag="remove_product"):
    """Take a product out of the shop's list, and off every screen."""

    roles = OPERATORS
    errors = (E.PRODUCT_NOT_FOUND,)

    product: types.ProductId


class ReportPurchase(ShopCommand, frozen=True, tag="report_purchase"):
    """Tell of a purchase: it makes the viewer a buyer. The same number again changes nothing."""

    roles = BACKEND
    errors = (E.ROOM_NOT_FOUND, E.KEY_REUSED)

    purchase: types.ShopsOwn
    viewer: types.ViewerId
    amount: types.Amount
    currency: types.Currency
    exponent: types.Exponent = 2
    room: types.RoomId | None = None  #: where it was bought: the viewer is told there
    product: types.ProductId | None = None
    variant: types.ProductId | None = None
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    name: types.Name | None = None  #: display name, of somebody who was never in a room


# -- privacy


class Exported(Answer, frozen=True):
    """All that is stored about one person."""

    viewer: str
    person: dict[str, Any] | None = None
    comments: list[dict[str, Any]] = []
    reports: list[dict[str, Any]] = []
    purchases: list[dict[str, Any]] = []
    sanctions: list[dict[str, Any]] = []
    notices: list[dict[str, Any]] = []
    blocked: int = 0
    messages: list[dict[str, Any]] = []  #: that they said as hosts
    staff_log: list[dict[str, Any]] = []
    parts: dict[str, dict[str, list[dict[str, Any]]]] = {}  #: of draws and group buys, by kind of row


class ExportViewer(ShopCommand, frozen=True, tag="export_viewer"):
    """Read all that is stored about one person."""

    roles = BACKEND
    answer = Exported

    viewer: types.ViewerId


class EraseViewer(ShopCommand, frozen=True, tag="erase_viewer"):
    """Erase one person: name, words and traces; what must stay (counts, purchases' amounts) stays without them."""

    roles = BACKEND
    errors = (E.REHEARSAL,)

    viewer: types.ViewerId


# -- rehearsals


class Rehearsal(Answer, frozen=True):
    """Where to rehearse."""

    shop: str
    room: str


class Rehearse(ShopCommand, frozen=True, tag="rehearse"):
    """Clone a room with its show, rules, staff and products, to rehearse: nothing in it is for real."""

    roles = OPERATORS
    answer = Rehearsal
    errors = (E.ROOM_NOT_FOUND,)

    room: types.RoomId


class EraseRehearsal(ShopCommand, frozen=True, tag="erase_rehearsal"):
    """Erase a rehearsal with everything that happened in it."""

    roles = OPERATORS
    errors = (E.ROOM_NOT_FOUND,)

    room: types.RoomId


AnyShopCommand = (
    CreateRoom | PutStaff | RemoveStaff | Revoke | AddKey | RetireKey | SetShop | SetReview
    | PutWords | RemoveWords | PutProduct | RemoveProduct | ReportPurchase | ExportViewer | EraseViewer
    | Rehearse | EraseRehearsal
)  # fmt: skip
SHOP_COMMANDS: tuple[type[ShopCommand], ...] = typing.get_args(AnyShopCommand)
