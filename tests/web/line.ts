/** Line: a server's end of websockets, played by a test message by message, so that a test says exactly when what arrives. */

import type { Joined, Push, Reply } from "../../gateway/web/sdk/src/protocol";

export class Line {
  /** Every connection that was opened, newest last. */
  static opened: Line[] = [];
  readyState = 0;
  binaryType = "";
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  /** What the client sent. */
  readonly sent: Record<string, unknown>[] = [];

  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {
    Line.opened.push(this);
  }

  send(payload: string): void {
    this.sent.push(...(JSON.parse(payload) as Record<string, unknown>[]));
  }

  close(): void {
    this.readyState = 3;
  }

  // -- the server's side

  accept(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  say(...messages: (Push | Reply)[]): void {
    this.onmessage?.({ data: JSON.stringify(messages) });
  }

  /** Let the one who joins in, with these pushes in the same frame. */
  letIn(change: Partial<Joined> = {}, ...pushes: Push[]): void {
    const join = this.sent.find((message) => message["t"] === "join");
    if (!join) throw new Error("nobody asked to join");
    const me = { id: "me", role: "viewer" as const, name: "Ann" };
    this.say({ t: "joined", ref: join["ref"] as number, room: "demo", epoch: "e1", now: Date.now(), me, resume: "R1", ...change } as Joined, ...pushes);
  }

  cut(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }

  /** The commands of this name that the client sent here. */
  of(name: string): Record<string, unknown>[] {
    return this.sent.filter((message) => message["t"] === name);
  }
}

/** The `n`th connection from the end, waited for. */
export async function line(count: number): Promise<Line> {
  for (let turn = 0; turn < 200; turn++) {
    const found = Line.opened[count - 1];
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`connection ${count} was never opened`);
}
