/** The reducer: a snapshot and the pushes after it are a fresh snapshot. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostMessage, Push, Show, Snapshot } from "../../gateway/web/sdk/src/protocol";
import { apply, EMPTY, KEEP, place, type RoomState, seen } from "../../gateway/web/sdk/src/state";

const id = (number: number) => `${number}`.padStart(13, "0");
const message = (number: number): HostMessage => ({ id: id(number), name: "Ada", text: `m${number}`, at: number }) as HostMessage;
const show = (state: Show["state"]): Show => ({ id: id(1), title: "Show", state, starts_at: 1 }) as Show;
const comment = (number: number) => ({ t: "comment", id: id(number), by: "p", name: "Ann", text: `c${number}` }) as const;
const snapshot = (fields: Partial<Snapshot>): Snapshot => ({ t: "snapshot", epoch: "e", seq: 0, room: "demo", title: "Room", ...fields }) as Snapshot;
const play = (state: RoomState, ...pushes: Push[]) => pushes.reduce(apply, state);

test("a snapshot plus the events after it equals the later snapshot", () => {
  const before = snapshot({ seq: 1, show: show("live"), messages: [message(1)] });
  const after = snapshot({ seq: 4, show: show("paused"), messages: [message(1), message(2)], pinned: message(2) });
  const events: Push[] = [
    { t: "log", seq: 2, at: 2, event: { t: "said", message: message(2) } },
    { t: "log", seq: 3, at: 3, event: { t: "pinned", message: message(2) } },
    { t: "log", seq: 4, at: 4, event: { t: "show_changed", show: show("paused") } },
  ] as Push[];
  assert.deepEqual(play(EMPTY, before, ...events), play(EMPTY, after));
});

test("a pin without a message takes the pin away", () => {
  const state = play(EMPTY, snapshot({ pinned: message(1) }), { t: "log", seq: 1, at: 1, event: { t: "pinned" } } as Push);
  assert.equal(state.pinned, null);
});

test("log events stand next, old or behind a gap", () => {
  const state = play(EMPTY, snapshot({ seq: 5, staff_seq: 2 }));
  const log = (seq: number) => place(state, { t: "log", seq, at: 0, event: { t: "said", message: message(1) } } as Push);
  assert.deepEqual([log(5), log(6), log(7)], ["old", "next", "gap"]);
  const staff = (seq: number) => place(state, { t: "staff", seq, at: 0, event: {} } as Push);
  assert.deepEqual([staff(2), staff(3), staff(4)], ["old", "next", "gap"]);
  assert.deepEqual([5, 6].map((seq) => place(state, { t: "heartbeat", now: 0, seq })), ["next", "gap"]);
});

test("pushes and events of a newer server change nothing but the seq", () => {
  const state = play(EMPTY, snapshot({ seq: 1 }));
  assert.equal(apply(state, { t: "fireworks" } as unknown as Push), state);
  const later = apply(state, { t: "log", seq: 2, at: 0, event: { t: "poll_opened" } } as unknown as Push);
  assert.deepEqual(later, { ...state, seq: 2 });
});

test("comments are kept up to the cap, each once, and counted", () => {
  const events = Array.from({ length: 500 }, (_, number) => comment(number));
  const state = play(EMPTY, { t: "live", events, left_out: 7 } as Push, { t: "live", events: [events[499]!], left_out: 1 } as Push);
  assert.equal(state.comments.length, KEEP.comments);
  assert.equal(state.comments.at(-1)?.id, id(499));
  assert.deepEqual([state.commentsReceived, state.commentsLeftOut], [500, 8]);
});

test("the latest value of a gauge wins and the others stay", () => {
  const state = play(EMPTY, { t: "gauge", values: { viewers: 3, likes: 1 } }, { t: "gauge", values: { viewers: 4 } });
  assert.deepEqual(state.values, { viewers: 4, likes: 1 });
});

test("a notice is there once, and not again after it was seen", () => {
  const notice = (number: number) => ({ t: "notice", notice: number, at: 0, event: { t: "answered", comment: id(1), message: message(number) } }) as Push;
  const state = play(EMPTY, notice(1), notice(2), notice(1));
  assert.deepEqual(state.notices.map((each) => each.notice), [1, 2]);
  assert.deepEqual(play(seen(state, 1), notice(1)).notices.map((each) => each.notice), [2]);
});

test("applying a push does not change the state it is applied to", () => {
  const state = Object.freeze(play(EMPTY, snapshot({ messages: Object.freeze([message(1)]) as HostMessage[] })));
  const before = JSON.stringify(state);
  play(state, { t: "log", seq: 1, at: 0, event: { t: "said", message: message(2) } } as Push, { t: "live", events: [comment(3)] } as Push);
  assert.equal(JSON.stringify(state), before);
});
