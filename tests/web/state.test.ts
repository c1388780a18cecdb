/** The reducer: a snapshot and the pushes after it are a fresh snapshot. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ownIn } from "../../gateway/web/sdk/src/draws";
import type { Draw, DrawReceipt, HostMessage, Push, Show, Snapshot } from "../../gateway/web/sdk/src/protocol";
import { apply, EMPTY, entered, KEEP, place, refusedEntry, type RoomState, seen } from "../../gateway/web/sdk/src/state";

const id = (number: number) => `${number}`.padStart(13, "0");
const message = (number: number): HostMessage => ({ id: id(number), name: "Ada", text: `m${number}`, at: number }) as HostMessage;
const show = (state: Show["state"]): Show => ({ id: id(1), title: "Show", state, starts_at: 1 }) as Show;
const comment = (number: number) => ({ t: "comment", id: id(number), by: "p", name: "Ann", text: `c${number}` }) as const;
const snapshot = (fields: Partial<Snapshot>): Snapshot => ({ t: "snapshot", epoch: "e", seq: 0, room: "demo", title: "Room", ...fields }) as Snapshot;
const told = (seq: number, event: object) => ({ t: "log", seq, at: 1, event }) as Push;
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

test("a draw is followed from the queue to its winners, and a break moves its close", () => {
  const draw = { id: "01".repeat(16), title: "D", state: "announced", prizes: [], entry: "click", beacon: "cohosts" } as unknown as Draw;
  const open = { ...draw, state: "open", closes_at: 100 } as Draw;
  let state = play(EMPTY, snapshot({}), told(1, { t: "draw_announced", draw }), told(2, { t: "draw_opened", draw: open }), told(3, { t: "unfrozen", at: 9, shifted_ms: 5 }));
  assert.deepEqual(state.draws.map((each) => [each.state, each.closes_at]), [["open", 105]]);
  const winner = { prize: 0, place: 0, entry: "a5".repeat(16), name: "A" };
  state = play(
    state,
    told(4, { t: "draw_closed", draw: draw.id, closed_at: 90 }),
    told(5, { t: "draw_rooted", draw: draw.id, root: "r", entries: 2, weight: 3, at: 91 }),
    told(6, { t: "draw_revealed", draw: draw.id, party: 2, secret: "s" }),
    told(7, { t: "draw_revealed", draw: draw.id, party: 1, secret: "s" }),
    told(8, { t: "draw_drawn", draw: draw.id, value: "v", seed: "s", winners: [winner], claim_until: 7 }),
    told(9, { t: "draw_passed_on", draw: draw.id, winner: { ...winner, place: 4, name: "B" } }),
  );
  const [shown] = state.draws;
  assert.deepEqual([shown?.state, shown?.root, shown?.entries, shown?.revealed, shown?.winners?.[0]?.name], ["drawn", "r", 2, [1, 2], "B"]);
  const nobodys = play(state, told(10, { t: "draw_prize_lapsed", draw: draw.id, prize: 0, why: "declined" })).draws[0]?.winners;
  assert.deepEqual(nobodys?.map((each) => [each.name, each.lapsed]), [["B", "declined"]]);
  assert.equal(play(state, told(10, { t: "draw_settled", draw: draw.id })).draws[0]?.state, "settled");
  assert.equal(play(state, told(10, { t: "draw_voided", draw: draw.id, why: "late_root" })).draws[0]?.why, "late_root");
  assert.equal(play(EMPTY, snapshot({ draws: [draw] }), told(1, { t: "draw_cancelled", draw: draw.id, why: "no" })).draws.length, 0);
});

test("where a viewer stands in a draw comes with the join, and changes with what they are told", () => {
  const own = { t: "own_draws", entries: 4, draws: [{ draw: "d", receipt: { draw_id: "d" } }] } as unknown as Push;
  let state = play(EMPTY, snapshot({}), own);
  assert.deepEqual([state.ownDraws[0]?.draw, state.values.draw_entries], ["d", 4]);
  const notice = (number: number, event: object) => ({ t: "notice", notice: number, at: 1, event }) as Push;
  state = play(state, notice(1, { t: "you_won", draw: "d", title: "D", prize: 0, prize_title: "P", claim_until: 9 }));
  assert.deepEqual([state.ownDraws[0]?.prize, state.ownDraws[0]?.receipt?.draw_id], [0, "d"]);
  state = play(state, notice(2, { t: "your_prize_went_on", draw: "d", title: "D", prize_title: "P" }));
  assert.equal(state.ownDraws[0]?.prize, null);
});

test("what one draw brings never touches another: a win stays through the next draws until it is claimed or gone", () => {
  const notice = (number: number, event: object) => ({ t: "notice", notice: number, at: 1, event }) as Push;
  const next = { id: "e", title: "Next", state: "open" } as Draw;
  let state = play(EMPTY, snapshot({}), notice(1, { t: "you_won", draw: "d", title: "D", prize: 0, prize_title: "P", claim_until: 9 }));
  state = entered(play(state, told(1, { t: "draw_opened", draw: next })), { draw_id: "e" } as DrawReceipt);
  assert.deepEqual(state.ownDraws.map((own) => [own.draw, own.title, own.prize ?? null]), [["d", "D", 0], ["e", "Next", null]]);
  state = play(state, notice(2, { t: "you_won", draw: "c", title: "C", prize: 1, prize_title: "Q", claim_until: 9 })); // a reserve moves up
  assert.equal(ownIn(state.ownDraws, "e")?.receipt?.draw_id, "e");
  state = play(state, notice(3, { t: "your_prize_claimed", draw: "d", title: "D", prize: 0, prize_title: "P", delete_at: 99 }));
  assert.deepEqual(state.ownDraws.map((own) => [own.draw, own.claimed ?? false, own.delete_at ?? null]), [["c", false, null], ["d", true, 99], ["e", false, null]]);
  assert.deepEqual(play(state, snapshot({})).ownDraws, state.ownDraws);
});

test("a password that was no entry says why until one is in or another draw opens", () => {
  const opened = (seq: number, id: string) => told(seq, { t: "draw_opened", draw: { id, title: id, state: "open" } as Draw });
  const state = refusedEntry(play(EMPTY, snapshot({}), opened(1, "d")), "draw_not_eligible", "watch for 9 s more");
  assert.deepEqual(state.notEntered, { draw: "d", code: "draw_not_eligible", why: "watch for 9 s more" });
  assert.equal(entered(state, { draw_id: "d" } as DrawReceipt).notEntered, null);
  assert.equal(play(state, opened(2, "e")).notEntered, null);
  assert.equal(refusedEntry(EMPTY, "muted", null).notEntered, null);
});
