"""Handshake: the opening of a websocket, RFC 6455 section 4.2. Pure: bytes in, bytes out.

Frames are the business of `websockets`; the opening is read here, because in a
storm of reconnects it is what most of the time goes into. The library's own
handshake is the oracle of its tests.
"""

from __future__ import annotations

import base64
import binascii
import email.utils
import hashlib
import http
import re
from typing import NamedTuple

from websockets.exceptions import InvalidHandshake
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.headers import build_extension, parse_extension

from livestream.protocol.codec import Codec

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FIELDS = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*").fullmatch
_NAMES = {codec: codec.value for codec in Codec}
_DEFLATE = ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)


class Rejected(Exception):
    """The opening is refused with an HTTP status and a text."""

    def __init__(self, status: int, text: str, header: str = "") -> None:
        super().__init__(text)
        self.status = http.HTTPStatus(status)
        self.text = text
        self.header = header  #: one more of the answer, with its line end

    def response(self) -> bytes:
        body = f"{self.text}\n".encode()
        return (
            f"HTTP/1.1 {int(self.status)} {self.status.phrase}\r\nDate: {email.utils.formatdate(usegmt=True)}\r\n"
            f"Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
            f"{self.header}\r\n"
        ).encode() + body


class Request:
    """An upgrade as the client asked for it."""

    __slots__ = ("_fields",)

    def __init__(self, head: bytes) -> None:
        """Read a request's head, without the empty line at its end.

        Raises:
            Rejected: 400, 505.
        """
        line, _, fields = head.partition(b"\r\n")
        if not line.endswith(b" HTTP/1.1"):
            raise Rejected(505, "Websockets are opened by HTTP/1.1.")
        if not _FIELDS(fields + b"\r\n"):
            raise Rejected(400, "A header is malformed.")
        self._fields: dict[str, list[str]] = {}
        for field in fields.decode("latin-1").split("\r\n"):
            name, _, value = field.partition(":")
            self._fields.setdefault(name.lower(), []).append(value.strip(" \t"))
        if self.all("transfer-encoding") or self.all("content-length") not in ([], ["0"]):
            raise Rejected(400, "An upgrade has no body.")

    def all(self, name: str) -> list[str]:
        """Every value of a header, by its name in lower case."""
        return self._fields.get(name, [])

    def one(self, name: str) -> str:
        """The value of a header that must be there once.

        Raises:
            Rejected: 400.
        """
        values = self.all(name)
        if len(values) != 1:
            raise Rejected(400, f"One {name.title()} header, please.")
        return values[0]

    def items(self, name: str) -> list[str]:
        """The parts of a header that is a list, over all its lines."""
        parts = [part.strip(" \t") for value in self.all(name) for part in value.split(",")]
        return [part for part in parts if part]

    def says(self, name: str, word: str) -> bool:
        """Is a word, in lower case, among the parts of a header that is a list?"""
        values = self.all(name)
        return (len(values) == 1 and values[0].lower() == word) or word in (part.lower() for part in self.items(name))


class Accepted(NamedTuple):
    """What was agreed on."""

    response: bytes
    codec: Codec
    extensions: list[Extension]


def accept(request: Request, *, compress: bool) -> Accepted:
    """Agree to an upgrade.

    Raises:
        Rejected: 400, 426.
    """
    if not request.says("upgrade", "websocket"):
        raise Rejected(426, "This is a websocket's address.", "Upgrade: websocket\r\n")
    if not request.says("connection", "upgrade"):
        raise Rejected(426, "The Connection header must say Upgrade.", "Upgrade: websocket\r\n")
    if request.one("sec-websocket-version") != "13":
        raise Rejected(426, "Only version 13 is spoken here.", "Sec-WebSocket-Version: 13\r\n")
    key = _accept_key(request.one("sec-websocket-key"))
    codec = _codec(request.items("sec-websocket-protocol"))
    extension, extensions = _extensions(request.all("sec-websocket-extensions")) if compress else ("", [])
    response = (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {key}\r\nSec-WebSocket-Protocol: {_NAMES[codec]}\r\n{extension}\r\n"
    )
    return Accepted(response.encode(), codec, extensions)


def _accept_key(key: str) -> str:
    try:
        good = len(base64.b64decode(key, validate=True)) == 16
    except (ValueError, binascii.Error):
        good = False
    if not good:
        raise Rejected(400, "The Sec-WebSocket-Key header must be 16 bytes in base64.")
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()


def _codec(offered: list[str]) -> Codec:
    """Ours in our order of preference."""
    for codec, name in _NAMES.items():
        if name in offered:
            return codec
    known = " or ".join(_NAMES.values())
    raise Rejected(400, f"The Sec-WebSocket-Protocol header must offer {known}.")


def _extensions(offers: list[str]) -> tuple[str, list[Extension]]:
    """The answer's header and what was agreed: permessage-deflate without context takeover, or nothing."""
    try:
        offered = [offer for value in offers for offer in parse_extension(value)]
    except InvalidHandshake:
        raise Rejected(400, "The Sec-WebSocket-Extensions header is malformed.") from None
    for name, parameters in offered:
        # A frame is compressed once for everybody, so nobody can have a smaller window.
        if name != _DEFLATE.name or any(key == "server_max_window_bits" for key, _ in parameters):
            continue
        try:
            agreed, extension = _DEFLATE.process_request_params(parameters, [])
        except InvalidHandshake:
            continue  # the client may have offered it in another way too
        return f"Sec-WebSocket-Extensions: {build_extension([(name, agreed)])}\r\n", [extension]
    return "", []
