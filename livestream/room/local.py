"""LocalRoom: what one process knows of a room when it judges commands. Kept up to date by the two logs."""

from __future__ import annotations

from collections import OrderedDict

from livestream.moderation.names import Screened, passes_for_staff, screen_name
from livestream.moderation.sameness import Sameness
from livestream.moderation.wordlist import Wordlist
from livestream.protocol.events import LogEvent, Sanction, SanctionKind, StaffEvent
from livestream.protocol.state import RoomState, StaffState, evolve, evolve_staff

from .store import RoomLoad

_NAMES = 20_000  #: whose screening is remembered a room
_SPEAKERS = 50_000  #: remembered a room; who is forgotten counts as new once more


class LocalRoom:
    """A room's state here, and what was said in it lately through this process."""

    def __init__(self, load: RoomLoad, words: Wordlist) -> None:
        self.shop_id = load.shop_id
        self.base_shop_id = load.base_shop_id
        self.state: RoomState = load.state
        self.staff: StaffState = load.staff
        self.words = words
        self.words_version = load.staff.words_version  #: of `words`; the state's may be newer for a moment
        self.staff_names = load.staff_names
        self.same = Sameness()
        self._sanctions = {(each.who, each.kind): each for each in load.staff.sanctions}
        self._screened: dict[str, Screened] = {}
        self._screened_by = words
        self._speakers: OrderedDict[str, tuple[float, str]] = OrderedDict()  #: when, and in which show

    @property
    def room_id(self) -> str:
        return self.state.room

    def evolve(self, event: LogEvent) -> None:
        self.state = evolve(self.state, event)

    def evolve_staff(self, event: StaffEvent) -> None:
        before = self.staff.sanctions
        self.staff = evolve_staff(self.staff, event)
        if self.staff.sanctions is not before:
            self._sanctions = {(each.who, each.kind): each for each in self.staff.sanctions}

    def screened(self, name: str) -> tuple[str, str | None]:
        """A name as it is shown, and why nobody but staff may be called so; remembered for who comes back."""
        if self.words is not self._screened_by or len(self._screened) >= _NAMES:
            self._screened, self._screened_by = {}, self.words
        found = self._screened.get(name)
        if found is None:
            found = self._screened[name] = screen_name(name, self.words)
        # Staff come and go: who screened ten thousand names by them too would do it again each time.
        if found.reason is None and passes_for_staff(found.form, self.staff_names):
            return found.shown, "somebody of the staff is called so"
        return found.shown, found.reason

    def sanction(self, who: str, kind: SanctionKind, now_ms: int) -> Sanction | None:
        """In force now."""
        found = self._sanctions.get((who, kind))
        return found if found is not None and (found.until is None or found.until > now_ms) else None

    def spoke(self, who: str, now_ms: int) -> None:
        """Remember that somebody had a comment accepted."""
        self._speakers[who] = (now_ms, self._show_id)
        self._speakers.move_to_end(who)
        if len(self._speakers) > _SPEAKERS:
            self._speakers.popitem(last=False)

    def spoke_before(self, who: str) -> bool:
        """In this show, at this process."""
        return self._speakers.get(who, (0, None))[1] == self._show_id

    def ms_since_spoken(self, who: str, now_ms: int) -> float:
        return now_ms - self._speakers.get(who, (float("-inf"), ""))[0]

    @property
    def _show_id(self) -> str:
        return "" if self.state.show is None else self.state.show.id
