"""Garbage: what is frozen is what lives."""

from __future__ import annotations

import gc
import weakref

from gateway import garbage


class Knot:
    """Holds itself."""

    def __init__(self) -> None:
        self.own = self


def test_garbage_is_not_frozen_for_ever() -> None:
    gc.disable()
    try:
        gone, kept = weakref.ref(Knot()), Knot()
        before = gc.get_freeze_count()
        garbage.freeze()
        assert gone() is None
        assert gc.get_freeze_count() > before
        assert not any(each is kept for each in gc.get_objects())
    finally:
        gc.unfreeze()
        gc.enable()
