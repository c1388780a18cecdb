"""Send: one buffer to many sockets. In C where the machine could compile it, which halves Python's share of a delivery.

Descriptors are written to beside the transports that own them. That is safe
as long as a transport holds nothing unsent: the caller gives -1 for one that
does, and for a socket that is closing.
"""

from __future__ import annotations

try:
    from ._send import send_each as send_each

    COMPILED = True
except ImportError:  # no compiler at install
    COMPILED = False

    def send_each(descriptors: list[int], data: bytes, /) -> list[tuple[int, int]]:
        """Send `data` to each descriptor, without blocking.

        Returns: (position, bytes sent) of each that did not take all of it, in
            order; the rest, and any error, is the transport's. Without the
            compiled loop that is everybody: (position, 0).
        """
        return [(position, 0) for position in range(len(descriptors))]
