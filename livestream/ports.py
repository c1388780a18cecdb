"""Ports: taken once by `serve` for as long as it runs, shared by its gateways."""

from __future__ import annotations

import errno
import socket

from livestream.config import ConfigError


def hold_port(host: str, port: int, *, flag: str = "--port") -> socket.socket:
    """Make sure that a port is free, and keep it ours while gateways come and go.

    The socket never listens. It is bound without SO_REUSEPORT, so that another
    server's port is refused even where that one shares; then it shares with
    processes of our user. SO_REUSEADDR lets it bind beside connections of an
    earlier run that are not quite over, and is taken back at once: with it any
    user's process could take the port while no gateway listens.

    Args:
        flag: what a person would change to use another port.

    Raises:
        ConfigError: it is taken, or not to be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    held = socket.socket(family, socket.SOCK_STREAM)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((host, port))
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    except OSError as error:
        held.close()
        raise cannot_listen(host, port, error, flag) from None
    return held


def cannot_listen(host: str, port: int, error: OSError, flag: str = "--port") -> ConfigError:
    """The one line about it."""
    advice = f"stop what uses it, or choose another with {flag}"
    if error.errno != errno.EADDRINUSE:
        advice = "choose an address of this machine with --host, and a port that you may use"
    return ConfigError(f"cannot listen on {host}:{port} ({error.strerror}): {advice}")
