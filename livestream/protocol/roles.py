"""Role: who somebody is in one room. A permission is a set of roles, kept with each command."""

from __future__ import annotations

import enum


class Role(enum.StrEnum):
    ANONYMOUS = "anonymous"  #: watches, and comments where the room allows it; never draws, votes, buys
    VIEWER = "viewer"  #: signed in by the shop's token
    MODERATOR = "moderator"  #: keeps the room in order
    HOST = "host"  #: on camera: speaks, pins, runs the show; moves no money
    OPERATOR = "operator"  #: the shop's staff behind the camera
    SERVICE = "service"  #: the shop's backend


EVERYONE = frozenset(Role)
SIGNED_IN = EVERYONE - {Role.ANONYMOUS}
STAFF = frozenset({Role.MODERATOR, Role.HOST, Role.OPERATOR, Role.SERVICE})
HOSTS = frozenset({Role.HOST, Role.OPERATOR, Role.SERVICE})
OPERATORS = frozenset({Role.OPERATOR, Role.SERVICE})  #: what costs money, or cannot be undone
BACKEND = frozenset({Role.SERVICE})
