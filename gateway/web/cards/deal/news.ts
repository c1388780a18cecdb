/** News: what everybody hears of teams just now: one line a deal, for a moment, however many there are. */

import type { Client, LiveEvent, LogEvent, Push } from "@sdk";
import { useEffect, useState } from "preact/hooks";
import { strings } from "../../shared/strings";

const words = strings.deal.news;
/** So long a line stands; another takes its place no sooner: in a rush nobody could read them all. */
const STANDS_MS = 6000;
const LEAST_MS = 3000;

export interface News {
  readonly deal: string;
  readonly text: string;
  /** The shop filled seats: said whatever else happens. */
  readonly shop: boolean;
}

/** What an event means for everybody; null: nothing about teams. Names only of those who chose to be seen. */
export function newsOf(event: LiveEvent | LogEvent): News | null {
  switch (event.t) {
    case "team_completed": {
      const names = event.names ?? [];
      const text = names.length > 0 ? words.completeOf(strings.deal.namesAnd(names.join(", "), event.people - names.length)) : words.complete(event.people);
      return { deal: event.deal, text, shop: false };
    }
    case "seat_left":
      return { deal: event.deal, text: words.oneLeft, shop: false };
    case "team_waived":
      return { deal: event.deal, text: words.waived(event.seats, event.why), shop: true };
    default:
      return null;
  }
}

/** The line of each deal that has one. */
export function useNews(client: Client): Readonly<Record<string, string>> {
  const [lines, setLines] = useState<Readonly<Record<string, string>>>({});
  useEffect(() => {
    const since: Record<string, number> = {};
    const tell = ({ deal, text, shop }: News) => {
      const now = Date.now();
      if (now - (since[deal] ?? 0) < LEAST_MS && !shop) return;
      since[deal] = shop ? now + STANDS_MS : now;
      setLines((before) => ({ ...before, [deal]: text }));
      setTimeout(() => setLines(({ [deal]: line, ...others }) => (line === text ? others : { ...others, ...(line !== undefined && { [deal]: line }) })), shop ? 2 * STANDS_MS : STANDS_MS);
    };
    return client.on("push", (push) => {
      const events = push.t === "live" ? (push.events ?? []) : push.t === "log" ? [push.event] : [];
      for (const event of events) {
        const news = newsOf(event);
        if (news) tell(news);
      }
    });
  }, [client]);
  return lines;
}

/** How many notices of teams a push says were left out, of all deals. */
export function leftOutOf(push: Push): number {
  if (push.t !== "live") return 0;
  return (push.events ?? []).reduce((sum, event) => sum + (event.t === "teams_left_out" ? event.count : 0), 0);
}

/** How many were left out of this rush; 0 once it has been quiet for a moment. */
export function useLeftOut(client: Client): number {
  const [count, setCount] = useState(0);
  useEffect(() => {
    let quiet: ReturnType<typeof setTimeout> | undefined;
    const off = client.on("push", (push) => {
      const more = leftOutOf(push);
      if (more === 0) return;
      setCount((before) => before + more);
      clearTimeout(quiet);
      quiet = setTimeout(() => setCount(0), STANDS_MS);
    });
    return () => {
      clearTimeout(quiet);
      off();
    };
  }, [client]);
  return count;
}
