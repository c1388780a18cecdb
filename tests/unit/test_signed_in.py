"""Who is in a room under a name: counted once, cut at the limit, gone when the last socket is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gateway.signed_in import SignedIn
from livestream.protocol.roles import Role


class Socket:
    """What is asked of a connection."""

    def __init__(self, viewer: str | None, role: Role = Role.VIEWER) -> None:
        self.viewer = viewer
        self.session: Any = SimpleNamespace(actor=SimpleNamespace(role=role))
        self.replaced = False

    def replace(self) -> None:
        self.replaced = True


def signed_in(*sockets: Any, most: int = 5) -> SignedIn:
    made = SignedIn(most)
    for each in sockets:
        made.add(each)
    return made


def test_a_person_with_three_sockets_counts_once_and_who_is_anonymous_has_no_name() -> None:
    sockets: list[Any] = [Socket("ann"), Socket("ann"), Socket("ann"), Socket("ben"), Socket(None)]
    room = signed_in(*sockets)
    assert room.second_sockets == 2
    assert room.sockets_of("ann") == sockets[:3]
    for each in sockets:
        room.remove(each)
        room.remove(each)  # it was not here any more
    assert (room.second_sockets, list(room.sockets_of("ann"))) == (0, [])


def test_who_opens_one_socket_too_many_loses_the_oldest_and_nobody_else_does() -> None:
    ann: list[Any] = [Socket("ann") for _ in range(4)]
    ben: Any = Socket("ben")
    signed_in(ben, *ann, most=3)
    assert [each.replaced for each in (ben, *ann)] == [False, True, False, False, False]


@pytest.mark.parametrize(
    ("role", "attended"),
    [(Role.VIEWER, False), (Role.SERVICE, False), (Role.MODERATOR, True), (Role.HOST, True), (Role.OPERATOR, True)],
)
def test_a_room_is_attended_while_a_person_of_the_staff_is_in(role: Role, attended: bool) -> None:
    someone: Any = Socket("ada", role)
    room = signed_in(someone)
    assert room.attended is attended
    room.remove(someone)
    assert not room.attended
