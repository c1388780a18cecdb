"""Compose: builds the parts of one gateway process and ties them together, from the inside out.

rooms (hub, bus, service) ─> edge (admission, joins, connections) ─> HTTP
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from livestream.auth import TokenVerifier, log_pseudonym
from livestream.bus import Bus
from livestream.config import Settings
from livestream.ids import IdMaker
from livestream.keys import KeyStore
from livestream.parts import Ground, Running
from livestream.protocol.limits import Rate
from livestream.revocations import Revocations
from livestream.room.door import Door
from livestream.room.review import Review
from livestream.room.service import RoomService
from livestream.shop.service import ShopService
from livestream.storage.pool import Database
from livestream.tickets import Tickets
from livestream.webhooks.resolver import Targets

from .admission import Admission
from .api import Api
from .attendance import Attendance
from .callers import Callers
from .clock import Clock
from .dispatch import Dispatcher
from .edge import GatewayEdge
from .guard import Guard
from .http import Http
from .hub import Hub
from .join import Joiner
from .keepalive import Keepalive
from .listener import Fronts
from .own import OwnStates
from .presence import Presence
from .resumes import Resumes
from .rooms import Rooms
from .ticket_routes import TicketRoutes
from .webhook_routes import WebhookRoutes


@dataclass(frozen=True, slots=True)
class Process:
    """What everything in it stands on."""

    settings: Settings
    secret: bytes
    stand_ins: bytes  #: key of pseudonyms
    database: Database
    origin: int  #: its number on the bus
    tasks: asyncio.TaskGroup


@dataclass(frozen=True, slots=True)
class Inside:
    """The rooms, and who may speak in them."""

    clock: Clock
    hub: Hub
    bus: Bus
    keys: KeyStore
    verifier: TokenVerifier
    tickets: Tickets
    targets: Targets
    review: Review
    parts: Running
    service: RoomService


def inside(process: Process) -> Inside:
    settings, database, origin = process.settings, process.database, process.origin
    clock = Clock()
    hub = Hub(database, settings, clock, process.tasks)
    bus = hub.bus = Bus(settings.redis_url, origin, hub.receive)
    ids = IdMaker(origin)
    ground = Ground(
        database,
        bus.redis,
        settings,
        process.secret,
        lambda: ids.next(clock.now_ms()),
        clock.now_ms,
        hub.publish,
        origin,
    )
    keys, tickets, targets = KeyStore(database), Tickets(bus.redis), Targets.of(settings)
    parts = hub.parts = Running.start(ground)
    review = Review(database, targets, hub.publish, origin)
    service = RoomService(
        database,
        Door(bus.redis, Rate(settings.comment_rate_burst, settings.comment_rate_per_s)),
        review,
        tickets,
        settings,
        ground.new_id,
        ground.now_ms,
        ground.publish,
        origin,
        process.stand_ins,
        parts,
    )
    return Inside(clock, hub, bus, keys, TokenVerifier(keys.find), tickets, targets, review, parts, service)


@dataclass(frozen=True, slots=True)
class Edge:
    """The connections, from the first byte to a viewer in a room."""

    admission: Admission
    fronts: Fronts
    keepalive: Keepalive
    connections: GatewayEdge
    attendance: Attendance
    own_states: OwnStates
    revocations: Revocations
    presence: Presence


def edge(process: Process, rooms: Inside) -> Edge:
    settings, database, hub = process.settings, process.database, rooms.hub
    resumes = Resumes(process.secret, settings, rooms.clock.now_ms)
    admission, keepalive = Admission(settings), Keepalive(settings, rooms.clock.now_ms, resumes.renew)
    attendance = Attendance(database, hub.channels, hub.publish, process.origin, process.tasks)
    own_states, revocations = OwnStates(database, rooms.parts, settings), Revocations()
    joiner = Joiner(
        hub,
        rooms.verifier,
        revocations,
        rooms.tickets,
        attendance,
        resumes,
        process.stand_ins,
        rooms.clock,
        process.origin,
        own_states,
    )
    dispatcher = Dispatcher(
        rooms.service,
        joiner,
        settings,
        process.tasks,
        lambda actor: log_pseudonym(process.secret, actor.shop_id, actor.key),
        hub,
    )
    connections = GatewayEdge(admission, keepalive, dispatcher, settings)
    presence = Presence(rooms.bus.redis, hub, process.origin, lambda: admission.count, connections.hand_over)
    fronts = Fronts(settings.handshake_timeout_ms / 1000, admission)
    return Edge(admission, fronts, keepalive, connections, attendance, own_states, revocations, presence)


def http(process: Process, rooms: Inside, door: Edge, ready: Callable[[], dict[str, bool]]) -> Http:
    settings, database, stand_ins = process.settings, process.database, process.stand_ins
    shops = ShopService(
        database,
        rooms.bus.redis,
        stand_ins,
        rooms.hub.publish,
        process.origin,
        rooms.targets.rules,
        rooms.parts.parts,
    )
    callers = Callers(
        rooms.hub,
        database,
        rooms.verifier,
        door.revocations,
        stand_ins,
        settings,
        rooms.clock,
        lambda request: door.admission.client_address(
            request.remote or "", request.headers.getall("X-Forwarded-For", [])
        ),
    )
    webhooks = WebhookRoutes(database, rooms.targets)
    api = Api(callers, database, rooms.service, rooms.hub, shops, webhooks, rooms.parts, settings)
    ticket_routes = TicketRoutes(rooms.verifier, rooms.tickets, rooms.keys, door.revocations, stand_ins, rooms.clock)
    return Http(
        Guard(door.admission, settings.handshake_timeout_ms / 1000),
        Rooms(database),
        ready,
        [*api.routes(), *ticket_routes.routes()],
        public_metrics=not settings.metrics_port,
    )
