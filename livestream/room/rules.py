"""Rules: what holds in a room for those who talk, and how it changes. Pure.

While nobody of the staff is on duty, stricter rules hold than those that were
set: the policy says which. Viewers see what holds; staff see both.
"""

from __future__ import annotations

import msgspec

from livestream.protocol.commands import SetChat, SetRoom
from livestream.protocol.events import Acted, Chat, ChatChanged, Policy, PolicyChanged, RoomChanged
from livestream.protocol.roles import Role

from .audit import acted
from .desk import Actor, Decision, Desk

_CHAT = ("slow_mode_s", "buyers_only", "approve_first", "links", "anonymous", "comment_chars")
_POLICY = (
    "display_per_s", "reports_to_hold", "unattended_after_s", "unattended_links", "unattended_slow_mode_s",
    "unattended_hold_reported",
)  # fmt: skip


def effective(policy: Policy, unattended: bool) -> Chat:
    """The rules that hold now."""
    if not unattended:
        return policy.chat
    return msgspec.structs.replace(
        policy.chat,
        unattended=True,
        links=policy.chat.links and policy.unattended_links,
        slow_mode_s=max(policy.chat.slow_mode_s, policy.unattended_slow_mode_s),
    )


def set_chat(desk: Desk, actor: Actor, command: SetChat) -> Decision:
    changes = _given(command, _CHAT)
    before = msgspec.structs.asdict(desk.staff.policy.chat)
    changed = {name: value for name, value in changes.items() if before[name] != value}
    policy = msgspec.structs.replace(desk.staff.policy, chat=msgspec.structs.replace(desk.staff.policy.chat, **changed))
    undo = {"t": "set_chat", **{name: before[name] for name in changed}}
    entry = acted(actor, command, _in_words(changed), command.why, undo if changed else None)
    return _changed(desk, policy, entry)


def set_room(desk: Desk, actor: Actor, command: SetRoom) -> Decision:
    changes = _given(command, _POLICY)
    if command.display_per_s == 0:
        changes["display_per_s"] = None
    before = msgspec.structs.asdict(desk.staff.policy)
    changed = {name: value for name, value in changes.items() if before[name] != value}
    policy = msgspec.structs.replace(desk.staff.policy, **changed)
    undo = {name: 0 if before[name] is None else before[name] for name in changed}
    title = command.title or desk.room.title
    delay_ms = desk.room.video_delay_ms if command.video_delay_s is None else round(command.video_delay_s * 1000)
    if title != desk.room.title:
        changed["title"], undo["title"] = title, desk.room.title
    if delay_ms != desk.room.video_delay_ms:
        changed["video_delay_s"], undo["video_delay_s"] = delay_ms / 1000, desk.room.video_delay_ms / 1000
    entry = acted(actor, command, _in_words(changed), command.why, {"t": "set_room", **undo} if undo else None)
    decision = _changed(desk, policy, entry)
    if (title, delay_ms) != (desk.room.title, desk.room.video_delay_ms):
        decision.log.append(RoomChanged(title=title, video_delay_ms=delay_ms))
    return decision


def attend(desk: Desk, unattended: bool) -> Decision:
    """Staff came, or have been away for too long."""
    what = "nobody is on duty: stricter rules hold" if unattended else "somebody is on duty again"
    entry = Acted(who="", name="", role=Role.SERVICE, command="attend", what=what)
    desk.unattended = unattended
    return _changed(desk, desk.staff.policy, entry)


def _changed(desk: Desk, policy: Policy, entry: Acted) -> Decision:
    decision = Decision(staff=[entry])
    if policy != desk.staff.policy:
        decision.staff.insert(0, PolicyChanged(policy=policy))
    chat = effective(policy, desk.unattended)
    if chat != desk.room.chat:
        decision.log.append(ChatChanged(chat=chat))
    return decision


def _given(command: SetChat | SetRoom, names: tuple[str, ...]) -> dict[str, object]:
    return {name: value for name in names if (value := getattr(command, name)) is not None}


def _in_words(changed: dict[str, object]) -> str:
    if not changed:
        return "changed no setting"
    said = {name: "the default" if value is None else str(value).lower() for name, value in changed.items()}
    return "set " + ", ".join(f"{name} to {value}" for name, value in said.items())
