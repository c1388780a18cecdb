/** Co-hosts: the secrets that this browser promised, and their revealing. */

import type { Client, Draw } from "@sdk";
import { useEffect, useMemo } from "preact/hooks";
import { ascii, hex, join, u32be, unhex } from "../../checker/bytes";
import { hash } from "../../checker/digest";

/** Number of the host's browser among the co-hosts; the server is 1, who is invited comes after. */
export const HOST_PARTY = 2;
/** Everybody in the room sees the root before any secret, and can witness it. The server waits as long. */
const REVEAL_LEAD_MS = 3000;
const AGAIN_MS = 1500;
const slot = (draw: string, party: number) => `livestream.draw.secret.${draw}.${party}`;

export function commitment(draw: string, party: number, secret: string): string {
  return hex(hash(join(ascii("LTD1-commit"), unhex(draw), u32be(party), unhex(secret))));
}

/**
 * Make this browser a co-host: keeps a secret and gives what is published of it. Asked again it gives the same, for the
 * answer to the first may have been lost. Throws where nothing can be kept.
 */
export function promise(draw: string, party: number): string {
  const place = slot(draw, party);
  const secret = localStorage.getItem(place) ?? hex(crypto.getRandomValues(new Uint8Array(32)));
  localStorage.setItem(place, secret);
  return commitment(draw, party, secret);
}

export interface Promised {
  readonly party: number;
  readonly secret: string;
}

/** The secret of this browser that the rules of a draw name; undefined: it promised none. */
export function promised(draw: Pick<Draw, "id" | "rules">): Promised | undefined {
  const { cohosts = [] } = draw.rules ? (JSON.parse(draw.rules) as { beacon: { cohosts?: { commitment: string }[] } }).beacon : {};
  for (const [index, cohost] of cohosts.entries()) {
    const party = index + 1;
    const secret = keptSecret(draw.id, party);
    if (secret && commitment(draw.id, party, secret) === cohost.commitment) return { party, secret };
  }
  return undefined;
}

function keptSecret(draw: string, party: number): string | null {
  try {
    return localStorage.getItem(slot(draw, party));
  } catch {
    return null;
  }
}

/** Send until it is taken: a line that breaks in this minute must not make the draw void. Returns how to stop. */
export function insist(send: () => Promise<unknown>, waitMs: number): () => void {
  let timer = setTimeout(attempt, waitMs);
  let stopped = false;
  function attempt() {
    send().catch(() => {
      if (!stopped) timer = setTimeout(attempt, AGAIN_MS);
    });
  }
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** Reveals what this browser promised once the root is out. Gives what it promised. */
export function useRevealing(client: Client, draw: Draw | undefined): Promised | undefined {
  const own = useMemo(() => draw && promised(draw), [draw?.id, draw?.rules]);
  const due = own !== undefined && draw?.state === "closed" && Boolean(draw.root) && !(draw.revealed ?? []).includes(own.party);
  useEffect(() => {
    if (!due || !draw || !own) return;
    const send = () => client.run({ t: "reveal_draw", draw: draw.id, party: own.party, secret: own.secret });
    return insist(send, (draw.rooted_at ?? 0) + REVEAL_LEAD_MS - client.now());
  }, [due, draw?.id, own]);
  return own;
}

// -- who else is invited

export interface Invited {
  readonly name: string;
  /** As they sent it; empty: not yet. */
  readonly promise: string;
}

const list = (draw: string) => `livestream.draw.cohosts.${draw}`;

export function invited(draw: string): readonly Invited[] {
  try {
    return JSON.parse(localStorage.getItem(list(draw)) ?? "[]") as Invited[];
  } catch {
    return [];
  }
}

export function keepInvited(draw: string, cohosts: readonly Invited[]): void {
  try {
    localStorage.setItem(list(draw), JSON.stringify(cohosts));
  } catch {
    // then a reload forgets them
  }
}

/** What a co-host sends to the host: it names its number, so that no promise can stand in another's place. */
export const promiseText = (party: number, made: string) => `${party}-${made}`;

/** The commitment in a promise of this party; undefined: it is none. */
export function commitmentIn(text: string, party: number): string | undefined {
  const [, number, made] = /^(\d+)-([0-9a-f]{64})$/.exec(text.trim()) ?? [];
  return Number(number) === party ? made : undefined;
}

export const cohostLink = (room: string, draw: string, party: number) => `${location.origin}/r/${encodeURIComponent(room)}?cohost=${draw}.${party}`;

/** This page was opened by such a link. */
export function asCohost(search: string): { readonly draw: string; readonly party: number } | undefined {
  const [, draw, party] = /[?&]cohost=([0-9a-f]{32})\.(\d{1,2})(?:&|$)/.exec(search) ?? [];
  return draw && party ? { draw, party: Number(party) } : undefined;
}
