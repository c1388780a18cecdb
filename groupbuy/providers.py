"""Providers: the payment provider that the settings name."""

from __future__ import annotations

from livestream.config import Settings

from .payments.port import Provider, Way
from .payments.sandbox import Sandbox
from .payments.sandbox_keys import keys

SANDBOX = "sandbox"  #: the setting's value for the provider that moves no money
NOTIFY_PATH = "/v1/payments/{source}"


def provider(settings: Settings, secret: bytes) -> Provider | None:
    """None: the deployment has none, and nobody can pay."""
    if settings.payments != SANDBOX:
        return None
    notify = settings.local_url + NOTIFY_PATH.format(source=SANDBOX)
    return Sandbox(settings.sandbox_url, keys(secret, Way(settings.payment_way)), notify)


def return_url(settings: Settings) -> str:
    """Where a buyer comes back to, with `{room}` in it."""
    return (settings.public_url or settings.local_url) + "/r/{room}"
