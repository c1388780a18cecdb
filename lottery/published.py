"""Published: proofs and inclusions of draws whose entries are frozen, as one gateway process gives them to anyone.

After a draw thousands press "check": what they ask for is made once, in a
thread, for all who ask meanwhile, and kept for those who come later. The loop
never waits for a hundred thousand entries.
"""

from __future__ import annotations

import asyncio
import functools
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.http import Inclusion
from livestream.singleflight import SingleFlight
from livestream.storage.pool import Database

from . import conduct, document, merkle, store
from .store import ENTRY_BYTES

_KEPT = 4  #: draws; one of 100,000 entries takes about 20 MB
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Tree:
    """The entries of a draw and all levels above them. About 200 bytes an entry."""

    root: str
    packed: bytes  #: of entries in order of id, see `store.packed`
    levels: list[list[bytes]]

    @classmethod
    def of(cls, draw_id: str, root: str, packed: bytes) -> Tree:
        return cls(root, packed, merkle.levels(conduct.leaves(draw_id, store.unpacked(packed))))

    def find(self, entry_id: bytes) -> tuple[int, int] | None:
        """Index and weight of an entry. Cost: O(log n)."""
        low, high = 0, len(self.packed) // ENTRY_BYTES
        while low < high:
            middle = (low + high) // 2
            at = self.packed[middle * ENTRY_BYTES : (middle + 1) * ENTRY_BYTES]
            if at[:16] == entry_id:
                return middle, int.from_bytes(at[16:], "big")
            low, high = (middle + 1, high) if at[:16] < entry_id else (low, middle)
        return None


class _Kept(Generic[Value]):
    """The last few, each made once."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, Value] = OrderedDict()
        self._making: SingleFlight[str, Value] = SingleFlight()

    async def get(self, key: str, make: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
        if key not in self._values:
            made = await self._making.do(key, make)
            self._values[key] = made
            while len(self._values) > _KEPT:
                self._values.popitem(last=False)
            return made
        self._values.move_to_end(key)
        return self._values[key]


class Published:
    """Of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._trees: _Kept[Tree] = _Kept()
        self._proofs: _Kept[bytes] = _Kept()

    async def proof(self, draw_id: str) -> bytes:
        """The self-contained document, as JSON.

        Raises:
            Refused: DRAW_NOT_FOUND; DRAW_NOT_DRAWN, there is nothing to check yet.
        """
        async with self._database.read() as connection:
            version = await document.version(connection, draw_id)
        return await self._proofs.get(f"{draw_id} {version}", functools.partial(self._write, draw_id))

    async def _write(self, draw_id: str) -> bytes:
        async with self._database.transaction(snapshot=True) as tx:
            parts = await document.read(tx, draw_id)
        return await asyncio.to_thread(lambda: msgspec.json.encode(document.written(parts)))

    async def inclusion(self, draw_id: str, entry_id: str) -> Inclusion:
        """That an entry is under the published root.

        Raises:
            Refused: DRAW_NOT_FOUND; DRAW_STATE, no root is out; ENTRY_NOT_FOUND.
        """
        tree = await self._trees.get(draw_id, functools.partial(self._grow, draw_id))
        found = tree.find(bytes.fromhex(entry_id))
        if found is None:
            raise Refused(ErrorCode.ENTRY_NOT_FOUND, entry_id)
        index, weight = found
        proof = merkle.path(tree.levels, index)
        return Inclusion(
            draw=draw_id,
            root=tree.root,
            entry=entry_id,
            weight=weight,
            index=proof.index,
            count=proof.count,
            path=list(proof.path),
        )

    async def _grow(self, draw_id: str) -> Tree:
        async with self._database.transaction(snapshot=True) as tx:
            held = await document.look(tx, draw_id)
            if not held.draw.root:
                raise Refused(ErrorCode.DRAW_STATE, "its root is not out")
            packed = await store.packed(tx, draw_id)
        return await asyncio.to_thread(Tree.of, draw_id, held.draw.root, packed)
