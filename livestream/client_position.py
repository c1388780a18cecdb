"""ClientPosition: where a client stands in the room's logs, and what it was told already. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from livestream.client_rules import Cursor, Step
from livestream.protocol.pushes import AnyPush, Log, Notice, Snapshot, Staff


@dataclass(slots=True)
class Position:
    """Moved by pushes, in the order in which they come."""

    epoch: str = ""
    log: Cursor = field(default_factory=Cursor)
    staff: Cursor = field(default_factory=Cursor)
    notices: set[int] = field(default_factory=set)  #: numbers seen; a resume brings unread ones again

    def enter(self, epoch: str) -> None:
        """We are in a room of this epoch."""
        if epoch != self.epoch:
            self.notices.clear()  # of a past that is no more: their numbers come again
        self.epoch = epoch

    def step(self, push: AnyPush) -> Step:
        """Judge a push, and move on when it is new."""
        match push:
            case Snapshot(seq=seq, staff_seq=staff_seq):
                self.log, self.staff = Cursor(seq), Cursor(staff_seq)
            case Log(seq=seq):
                return self.log.step(seq)
            case Staff(seq=seq):
                return self.staff.step(seq)
            case Notice(notice=number):
                if number in self.notices:
                    return Step.REPEATED
                self.notices.add(number)
        return Step.NEXT
