"""SignedIn: the people of one room who are known by name, and the sockets of each, in one process."""

from __future__ import annotations

from collections.abc import Sequence

from livestream.room.attendance import APPOINTED

from .connection import Connection


class SignedIn:
    """By pseudonym, the sockets of one person oldest first.

    Args:
        most: sockets of one person; who opens one more loses the oldest.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._sockets: dict[str, list[Connection]] = {}

    def add(self, connection: Connection) -> None:
        """Nothing for who is anonymous."""
        if connection.viewer is None:
            return
        sockets = self._sockets.setdefault(connection.viewer, [])
        sockets.append(connection)
        if len(sockets) > self._most:
            sockets[0].replace()

    def remove(self, connection: Connection) -> None:
        sockets = self._sockets.get(connection.viewer) if connection.viewer is not None else None
        if connection.viewer is None or sockets is None or connection not in sockets:
            return
        sockets.remove(connection)
        if not sockets:
            del self._sockets[connection.viewer]

    def sockets_of(self, pseudonym: str) -> Sequence[Connection]:
        return self._sockets.get(pseudonym, ())

    @property
    def second_sockets(self) -> int:
        """How many more sockets than people."""
        return sum(map(len, self._sockets.values())) - len(self._sockets)

    @property
    def attended(self) -> bool:
        """Somebody of the staff is among them; the shop's backend is no person."""
        actors = (socket.session.actor for sockets in self._sockets.values() for socket in sockets)
        return any(actor is not None and actor.role in APPOINTED for actor in actors)
