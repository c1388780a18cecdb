/**
 * Outbox: commands whose answer has not come. Pure but for the promises it settles.
 *
 * Every ref gets one answer. A command with an idempotency key survives a
 * broken connection: it is sent again, key unchanged, and has one effect. One
 * without a key cannot be asked about again, so it fails, and says why.
 */

import { NotConnected, OutcomeUnknown, Refused } from "./errors";
import type { Announced, Claimed, PayAt, Seated, Entered, Command, Invited, Ok, Posted, Reply } from "./protocol";

/** Commands that wait for a connection; beyond this, something is wrong with the caller. */
const MOST = 100;

export type Answer = Ok | Posted | Invited | Seated | PayAt | Announced | Entered | Claimed;
type Sent = Exclude<Command, { t: "join" }>;

/** A command as the caller gives it; the outbox numbers it. */
export type Unnumbered = Sent extends infer Each ? (Each extends Sent ? Omit<Each, "ref"> : never) : never;

/** The same without its key, which is made for it. */
export type Unkeyed = Unnumbered extends infer Each ? (Each extends Unnumbered ? Omit<Each, "key"> : never) : never;

interface Entry {
  readonly command: Sent;
  sent: boolean;
  /** An earlier try may have taken effect: only an answer, or a refusal for good, settles it. */
  doubtful: boolean;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export class Outbox {
  private readonly entries = new Map<number, Entry>();
  private lastRef = 0;

  /** A ref that was not used before on this client. */
  nextRef(): number {
    this.lastRef += 1;
    return this.lastRef;
  }

  /** Take a command in; `send` is called now if `open`, else when the connection is back. */
  add(unnumbered: Unnumbered, open: boolean, send: (command: Sent) => void): Promise<Answer> {
    const keyed = keyOf(unnumbered) !== undefined;
    if (!open && !keyed) return Promise.reject(new NotConnected(`"${unnumbered.t}" has no idempotency key and is not kept`));
    if (this.entries.size >= MOST) return Promise.reject(new NotConnected(`${MOST} commands wait for an answer already`));
    const command = { ...unnumbered, ref: this.nextRef() } as Sent;
    return new Promise((resolve, reject) => {
      const entry: Entry = { command, sent: open, doubtful: false, resolve, reject };
      this.entries.set(command.ref, entry);
      if (open) send(command);
    });
  }

  /** Settle what a reply answers. Returns the command to ask about again, when its outcome is unknown and it has a key. */
  answer(reply: Exclude<Reply, { t: "joined" }>): Sent | undefined {
    const entry = this.entries.get(reply.ref);
    if (entry === undefined) return undefined;
    if (reply.t === "error" && keyOf(entry.command) !== undefined) {
      entry.doubtful ||= reply.code === "outcome_unknown";
      if (entry.doubtful && reply.temporary) return entry.command;
    }
    this.entries.delete(reply.ref);
    if (reply.t === "error") entry.reject(new Refused(reply));
    else entry.resolve(reply);
    return undefined;
  }

  /** Is this command still without an answer? */
  waits(ref: number): boolean {
    return this.entries.has(ref);
  }

  /** The connection broke: fail what was sent without a key. */
  lost(): void {
    this.fail((entry) => (keyOf(entry.command) === undefined ? new OutcomeUnknown(entry.command.t) : undefined));
  }

  /** Back as the same person: send all that has no answer yet, oldest first. */
  resend(send: (command: Sent) => void): void {
    for (const entry of this.entries.values()) {
      entry.doubtful ||= entry.sent;
      entry.sent = true;
      send(entry.command);
    }
  }

  /** Back as somebody else, for whom the old keys mean nothing: fail what the other one sent. */
  changedPerson(): void {
    this.fail((entry) => (entry.sent ? new OutcomeUnknown(entry.command.t) : undefined));
  }

  /** No connection will come. */
  close(why: string): void {
    this.fail((entry) => (entry.sent ? new OutcomeUnknown(entry.command.t) : new NotConnected(why)));
  }

  private fail(verdict: (entry: Entry) => Error | undefined): void {
    for (const [ref, entry] of [...this.entries]) {
      const error = verdict(entry);
      if (error === undefined) continue;
      this.entries.delete(ref);
      entry.reject(error);
    }
  }
}

function keyOf(command: object): string | undefined {
  const key = (command as { key?: string | null }).key;
  return key ?? undefined;
}
