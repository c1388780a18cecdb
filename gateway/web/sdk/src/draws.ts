/** What the events of draws mean for a room's state; the server says the same in `livestream/protocol/draw_state.py`. */

import type { Draw, DrawReceipt, LogEvent, NoticeEvent, OwnDraw } from "./protocol";

export function evolveDraws(draws: readonly Draw[], event: LogEvent): readonly Draw[] {
  switch (event.t) {
    case "draw_announced":
      return [...draws.filter((draw) => draw.id !== event.draw.id), event.draw];
    case "draw_opened":
      return [event.draw, ...draws.filter((draw) => draw.state === "announced" && draw.id !== event.draw.id)];
    case "draw_cancelled":
      return draws
        .filter((draw) => draw.id !== event.draw || draw.state !== "announced")
        .map((draw) => (draw.id === event.draw ? { ...draw, state: "cancelled", why: event.why } : draw));
    case "unfrozen":
      return draws.map((draw) => (draw.state === "open" && draw.closes_at != null ? { ...draw, closes_at: draw.closes_at + event.shifted_ms } : draw));
    default:
      return "draw" in event && typeof event.draw === "string" ? draws.map((draw) => (draw.id === event.draw ? evolveDraw(draw, event) : draw)) : draws;
  }
}

function evolveDraw(draw: Draw, event: LogEvent): Draw {
  switch (event.t) {
    case "draw_closed":
      return { ...draw, state: "closed", closed_at: event.closed_at, round: event.round ?? 0, beacon_at: event.beacon_at ?? null };
    case "draw_rooted":
      return { ...draw, root: event.root, entries: event.entries, weight: event.weight, rooted_at: event.at };
    case "draw_revealed":
      return { ...draw, revealed: [...new Set([...(draw.revealed ?? []), event.party])].sort((one, other) => one - other) };
    case "draw_drawn":
      return { ...draw, state: "drawn", value: event.value, seed: event.seed, winners: event.winners, claim_until: event.claim_until };
    case "draw_passed_on":
      return { ...draw, winners: (draw.winners ?? []).map((winner) => (winner.prize === event.winner.prize ? event.winner : winner)) };
    case "draw_prize_lapsed":
      return { ...draw, winners: (draw.winners ?? []).map((winner) => (winner.prize === event.prize ? { ...winner, lapsed: event.why } : winner)) };
    case "draw_settled":
      return { ...draw, state: "settled" };
    case "draw_voided":
      return { ...draw, state: "void", why: event.why, ...(event.rooted_at != null && { rooted_at: event.rooted_at }) };
    default:
      return draw;
  }
}

/** Own draws, in order of id, with one that is new or stands otherwise now. */
function withOwn(own: readonly OwnDraw[], changed: OwnDraw): readonly OwnDraw[] {
  return [...own.filter((each) => each.draw !== changed.draw), changed].sort((one, other) => (one.draw < other.draw ? -1 : 1));
}

/** Where this viewer stands in a draw; undefined: it has nothing to do with them. */
export function ownIn(own: readonly OwnDraw[], draw: string | undefined): OwnDraw | undefined {
  return own.find((each) => each.draw === draw);
}

/** The server signed an entry. */
export function entered(own: readonly OwnDraw[], receipt: DrawReceipt, title: string): readonly OwnDraw[] {
  return withOwn(own, { title, ...ownIn(own, receipt.draw_id), draw: receipt.draw_id, receipt });
}

/** What a notice says of one draw; it never touches another. */
export function noticed(own: readonly OwnDraw[], event: NoticeEvent): readonly OwnDraw[] {
  switch (event.t) {
    case "you_won": {
      const { draw, title, prize, prize_title, claim_until } = event;
      return withOwn(own, { ...ownIn(own, draw), draw, title, prize, prize_title, claim_until, claimed: false, delete_at: null });
    }
    case "your_prize_went_on":
      return own.map((each) =>
        each.draw === event.draw ? { ...each, prize: null, prize_title: "", claim_until: null, claimed: false, delete_at: null } : each,
      );
    case "your_prize_claimed":
      return own.map((each) => (each.draw === event.draw ? { ...each, claimed: true, delete_at: event.delete_at ?? null } : each));
    default:
      return own;
  }
}
