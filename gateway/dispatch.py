"""Dispatch: from a payload to commands to replies. Every ref is answered exactly once."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable

import structlog

from livestream.config import Settings
from livestream.metrics import COMMANDS
from livestream.protocol import codec as wire
from livestream.protocol.commands import AnyCommand, Command, Comment, Join
from livestream.protocol.errors import ERRORS, ErrorCode, Refused
from livestream.protocol.limits import Rate, RateClass
from livestream.protocol.replies import AnyReply, Error, Seated
from livestream.room.desk import Actor
from livestream.room.service import RoomService

from .connection import Connection
from .failures import refusal
from .hub import Hub
from .join import Joiner
from .session import rates

_log = structlog.get_logger()
_counter = functools.cache(COMMANDS.labels)


class Dispatcher:
    """Runs what connections ask for; one short-lived task a command."""

    def __init__(
        self,
        service: RoomService,
        joiner: Joiner,
        settings: Settings,
        tasks: asyncio.TaskGroup,
        log_name: Callable[[Actor], str],
        hub: Hub,
    ) -> None:
        self._log_name = log_name
        self._hub = hub
        self._service = service
        self._joiner = joiner
        self._tasks = tasks
        self._rates = rates(
            {
                RateClass.COMMENT: Rate(settings.comment_rate_burst, settings.comment_rate_per_s),
                RateClass.STAFF: Rate(settings.staff_rate_burst, settings.staff_rate_per_s),
            }
        )

    def received(self, connection: Connection, payload: bytes) -> int:
        """Take one frame's payload; returns how many commands were in it.

        Raises:
            ProtocolViolation: close the connection with its code.
        """
        now = time.monotonic()
        refused = []
        commands = wire.decode_commands(payload, connection.variant.codec)
        for command in commands:
            if isinstance(command, Error):
                connection.session.lose_patience(now)
                refused.append(command)
                continue
            try:
                connection.session.admit(command, self._kind_of(connection, command), self._rates, now)
            except Refused as error:
                refused.append(_error(command, error))
            else:
                self._start(connection, command)
        for reply in refused:
            COMMANDS.labels("refused", reply.code).inc()
        if refused:
            connection.send([wire.encode(reply, connection.variant.codec) for reply in refused])
        return len(commands)

    def _kind_of(self, connection: Connection, command: Command) -> RateClass:
        """What it counts against: a comment that is an entry must not be lost to how much its author talked."""
        channel = connection.channel
        if isinstance(command, Comment) and channel is not None and self._hub.parts.means(command, channel.local):
            return RateClass.OTHER
        return command.rate

    def _start(self, connection: Connection, command: AnyCommand) -> None:
        if isinstance(command, Join):
            self._let_in(connection, command)
        else:
            self._tasks.create_task(self._run(connection, command))

    def _let_in(self, connection: Connection, command: Join) -> None:
        connection.session.joining()
        try:
            if not self._joiner.resume(connection, command):
                self._tasks.create_task(self._join(connection, command))
        except Exception as error:
            self._refuse_join(connection, command, error)

    async def _join(self, connection: Connection, command: Join) -> None:
        try:
            await self._joiner.join(connection, command)
        except Exception as error:
            self._refuse_join(connection, command, error)

    def _refuse_join(self, connection: Connection, command: Join, error: Exception) -> None:
        connection.session.refused_to_join()
        self._reply(connection, command, self._failure(error, command, None, command.room))

    async def _run(self, connection: Connection, command: Command) -> None:
        actor, channel = connection.session.actor, connection.channel
        assert actor is not None
        assert channel is not None
        reply: AnyReply
        try:
            reply = await self._service.run(actor, command, channel.local)
        except Exception as error:
            reply = self._failure(error, command, actor, actor.room_id)
        self._reply(connection, command, reply)
        if isinstance(reply, Seated):
            self._hub.seat_taken(actor.room_id, actor.pseudonym, reply.own, connection)

    def _reply(self, connection: Connection, command: Command, reply: AnyReply) -> None:
        _counter(command.__struct_config__.tag, reply.code if isinstance(reply, Error) else "ok").inc()
        connection.send([wire.encode(reply, connection.variant.codec)])

    def _failure(self, error: Exception, command: Command, actor: Actor | None, room_id: str) -> Error:
        refused = refusal(error)
        if refused is None:
            _log.error(
                "command.bug",
                room=room_id,
                ref=command.ref,
                command=command.__struct_config__.tag,
                viewer=self._log_name(actor) if actor else None,
                exc_info=error,
            )
            refused = Refused(ErrorCode.INTERNAL)
        return _error(command, refused)


def _error(command: Command, refused: Refused) -> Error:
    info = ERRORS[refused.code]
    text = f"{info.text} ({refused.detail})" if refused.detail else info.text
    return Error(
        ref=command.ref,
        code=refused.code,
        text=text,
        temporary=info.temporary,
        retry_after_ms=refused.retry_after_ms,
        entered=refused.entered,
        not_entered=refused.not_entered,
        not_entered_why=refused.not_entered_why,
    )
