"""Resumes: the tokens that let viewers back in. One with the join, and a newer one with each ping that follows.

The token is all the server remembers of who was here: the newest says until
when, so that a break of the line is no absence and an absence is no watching,
in whichever process somebody comes back, and whether or not Redis lives.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from livestream.auth import Back, Identity, read_resume, sign_resume
from livestream.config import Settings
from livestream.protocol import codec as wire
from livestream.protocol.pushes import Renewed

from .connection import Connection


class Resumes:
    """Of one process.

    Args:
        now_ms: the database's clock.
    """

    def __init__(self, secret: bytes, settings: Settings, now_ms: Callable[[], int]) -> None:
        self._secret = secret
        self._ttl_s = settings.resume_ttl_s
        # Whoever is cut right before a ping has an old token, and needs a moment to come back.
        self._break_s = 2 * settings.ping_interval_s + settings.pong_timeout_s
        self._now_ms = now_ms

    def issue(self, identity: Identity, room_id: str) -> str:
        return sign_resume(self._secret, identity, room_id, self._now_ms(), self._ttl_s)

    def read(self, token: str, room_id: str) -> Back:
        """Raises:
        Refused: TOKEN_INVALID, TOKEN_EXPIRED.
        """
        return read_resume(self._secret, token, room_id, self._now_ms(), self._break_s)

    def renew(self, connection: Connection) -> None:
        """Give who is in a newer token."""
        identity, actor = connection.identity, connection.session.actor
        if identity is None or actor is None:
            return
        if actor.buyer and not identity.buyer:
            identity = connection.identity = msgspec.structs.replace(identity, buyer=True)
        token = self.issue(identity, actor.room_id)
        connection.send([wire.encode(Renewed(resume=token), connection.variant.codec)])
