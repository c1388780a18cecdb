/** Entries: comments and host messages as one stream, in order of time. Pure. Ids sort by time, whoever made them. */

import type { Commented, HostMessage, RoomState } from "@sdk";

export type Entry = { readonly kind: "comment"; readonly item: Commented } | { readonly kind: "message"; readonly item: HostMessage };

/** Rows that stand in the page at most: more than anybody scrolls back, few enough for a phone. */
export const MOST_ROWS = 200;

/** Without what people said whom the viewer hides. */
export function entries(state: Pick<RoomState, "comments" | "messages">, blocked: ReadonlySet<string> = new Set()): Entry[] {
  const merged: Entry[] = [
    ...state.comments.filter((item) => !blocked.has(item.by)).map((item) => ({ kind: "comment" as const, item })),
    ...state.messages.map((item) => ({ kind: "message" as const, item })),
  ];
  merged.sort((one, other) => (one.item.id < other.item.id ? -1 : one.item.id > other.item.id ? 1 : 0));
  return merged.slice(-MOST_ROWS);
}

/** How many of these came after that one. */
export function countAfter(all: readonly Entry[], last: Entry | undefined): number {
  if (!last) return all.length;
  return all.filter((entry) => entry.item.id > last.item.id).length;
}
