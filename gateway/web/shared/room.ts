/** Hooks: a page sees the room at most once per animation frame, however fast it changes. */

import type { Client, RoomState, Status } from "@sdk";
import { createContext } from "preact";
import { useContext, useEffect, useReducer } from "preact/hooks";

export const RoomContext = createContext<Client | null>(null);

export function useClient(): Client {
  const client = useContext(RoomContext);
  if (client === null) throw new Error("no client above");
  return client;
}

/** State and status, re-rendered once per frame at most. */
export function useRoom(client: Client): { state: RoomState; status: Status } {
  const [, render] = useReducer((frames: number) => frames + 1, 0);
  useEffect(() => {
    let frame = 0;
    const schedule = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        render(undefined as never);
      });
    };
    const stop = [client.on("state", schedule), client.on("status", schedule)];
    schedule();
    return () => {
      cancelAnimationFrame(frame);
      for (const each of stop) each();
    };
  }, [client]);
  return { state: client.state, status: client.status };
}

/** Render again every so often while something on the screen depends on the time. */
export function useTicks(active: boolean, everyMs = 500): void {
  const [, render] = useReducer((ticks: number) => ticks + 1, 0);
  useEffect(() => {
    if (!active) return;
    const timer = setInterval(() => render(undefined as never), everyMs);
    return () => clearInterval(timer);
  }, [active, everyMs]);
}
