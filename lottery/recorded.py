"""Recorded rounds of drand's quicknet, for rehearsals and tests: everybody knows them. Pure.

Each was published, and its signature verifies under the network's key:
1000 in the documentation and tests of many clients of drand, of the Rust crate `drand` say;
657413 in the documentation of the Python package drand-verify;
5928395 in a C# verifier's example, with the relay's address of that round.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: round → signature
RECORDED: Mapping[int, bytes] = MappingProxyType(
    {
        1000: bytes.fromhex(
            "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
        ),
        657413: bytes.fromhex(
            "b713718a38ae728dfd477991af2822e08d2f305e47718cef9f7848ce4050e7be41076862b98fad56e91a6b85b89cd97b"
        ),
        5928395: bytes.fromhex(
            "a5d07c0071b4e386b3ae09206522253c68fefe8490ad59ecc44a7dd0d0745be91da5779e2247a82403fbc0cb9a34cb61"
        ),
    }
)
