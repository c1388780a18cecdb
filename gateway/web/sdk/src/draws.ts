/** What the events of draws mean for a room's state; the server says the same in `livestream/protocol/draw_state.py`. */

import type { Draw, DrawOwn, DrawReceipt, LogEvent, NoticeEvent } from "./protocol";

/** Where this viewer stands in a draw. */
export type OwnDraw = Omit<DrawOwn, "t" | "entries">;

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
    case "draw_settled":
      return { ...draw, state: "settled" };
    case "draw_voided":
      return { ...draw, state: "void", why: event.why };
    default:
      return draw;
  }
}

/** The server signed an entry. */
export function entered(receipt: DrawReceipt): OwnDraw {
  return { draw: receipt.draw_id, receipt };
}

export function noticed(own: OwnDraw | null, event: NoticeEvent): OwnDraw | null {
  if (event.t === "you_won") return { ...(own?.draw === event.draw ? own : {}), draw: event.draw, prize: event.prize, claim_until: event.claim_until, claimed: false };
  if (event.t === "your_prize_went_on" && own?.draw === event.draw) return { ...own, prize: null, claim_until: null };
  return own;
}
