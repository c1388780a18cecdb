"""Case: a draw that is being checked, and what its steps share. Pure."""

from __future__ import annotations

import dataclasses
import functools
import itertools

from . import conduct, rules
from .picks import picks
from .proof import Closing, Drawing, Proof
from .receipt import Held, Witness
from .steps import NotCovered


@dataclasses.dataclass(frozen=True)
class Case:
    """What is being checked."""

    proof: Proof
    mine: Held | None = None
    witness: Witness | None = None

    @functools.cached_property
    def draw_id(self) -> bytes:
        return bytes.fromhex(self.proof.draw_id)

    @functools.cached_property
    def leaves(self) -> list[bytes]:
        return conduct.leaves(self.proof.draw_id, self.proof.entries)

    @property
    def closing(self) -> Closing:
        if self.proof.closing is None:
            raise NotCovered("the draw was cancelled before it closed")
        return self.proof.closing

    @property
    def root(self) -> bytes:
        if self.closing.root is None:
            raise NotCovered("no root ever came out, and the draw is void")
        return bytes.fromhex(self.closing.root)

    @property
    def drawing(self) -> Drawing:
        if self.proof.drawing is None:
            raise NotCovered(f"the draw is {self.proof.outcome.value}: nothing was drawn")
        return self.proof.drawing

    @functools.cached_property
    def drawn(self) -> list[str]:
        """Winners and reserves as the seed has them."""
        entries, wanted = self.proof.entries, rules.units(self.proof.rules) + self.proof.rules.reserves
        order = picks(bytes.fromhex(self.drawing.seed), [each.weight for each in entries])
        return [entries[index].entry_id for index in itertools.islice(order, wanted)]

    @property
    def latest_close_ms(self) -> int:
        return self.proof.rules.latest_close_ms + self.closing.frozen_ms
