/**
 * Client: one viewer in one room, over as many connections as it takes.
 *
 *     connecting ──joined──> open ──broke──> waiting ──> connecting …
 *          └──────refused for good, or close()──────> closed
 */

import { backoffMs } from "./backoff";
import { ServerClock } from "./clock";
import { type Codec, json } from "./codec";
import { Emitter } from "./emitter";
import { Refused } from "./errors";
import { type Credentials, Identity } from "./identity";
import { type Answer, Outbox, type Unkeyed, type Unnumbered } from "./outbox";
import { CLOSES, type ComeBack, type Commented, type Joined, type Me, type Ok, type Posted, type Push, type Renewed, type Reply, type ShowState } from "./protocol";
import * as room from "./state";

export interface ConnectOptions extends Credentials {
  /** Of the websocket: `wss://host/v1/ws`, or the page's own origin with http(s). */
  readonly url: string;
  readonly room: string;
  readonly codec?: Codec;
  /** Where there is no global one. */
  readonly WebSocket?: typeof WebSocket;
  /** In [0, 1); for tests. */
  readonly random?: () => number;
}

/** Idempotency key of a command; null: send it without one, and take the risk. Default: a fresh one. */
export interface Keyed {
  readonly key?: string | null;
}

export type Status =
  | { readonly kind: "connecting" }
  | { readonly kind: "open" }
  /** Will try again at `retryAt`, Unix ms of the device. */
  | { readonly kind: "waiting"; readonly retryAt: number; readonly attempt: number }
  /** For good: `code` is an error code of the join, a close code's name, or "closed" when we closed it. */
  | { readonly kind: "closed"; readonly code: string; readonly text: string };

export type ClientEvents = {
  status: Status;
  state: room.RoomState;
  joined: Joined;
  /** Every push that was applied, in order. */
  push: Push;
};

/** The server's clock ticks every few seconds; so long without a word, the line is dead. */
const SILENCE_MS = 45_000;
/** A connection that held so long starts the backoff over. */
const STEADY_MS = 10_000;
const CONNECT_MS = 15_000;

export class Client extends Emitter<ClientEvents> {
  private current: room.RoomState = room.EMPTY;
  private currentStatus: Status = { kind: "connecting" };
  private socket: WebSocket | undefined;
  private joinRef = 0;
  private attempt = 0;
  /** Of `connect`: who waited for a proof meanwhile is overtaken, by a new name say. */
  private tries = 0;
  private comeBackMs: number | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private steady: ReturnType<typeof setTimeout> | undefined;
  private person: Me | undefined;
  private readonly ownIds = new Set<string>();
  private blockedIds: ReadonlySet<string> = new Set();
  private readonly identity: Identity;
  private readonly outbox = new Outbox();
  private readonly clock = new ServerClock();
  private readonly codec: Codec;

  constructor(private readonly options: ConnectOptions) {
    super();
    this.identity = new Identity(options);
    this.codec = options.codec ?? json;
    queueMicrotask(() => void this.connect()); // the caller listens first
  }

  get state(): room.RoomState {
    return this.current;
  }

  get status(): Status {
    return this.currentStatus;
  }

  /** Who the server takes us for; undefined before the first join. */
  get me(): Me | undefined {
    return this.person;
  }

  /** Keep it, and a later page of the same person starts as the same person. */
  get resumeToken(): string | undefined {
    return this.identity.resumeToken;
  }

  /** The server's time, by which countdowns run, in Unix ms. */
  now(): number {
    return this.clock.now(Date.now());
  }

  /** Did we write this comment, under any name we had here? */
  isOwn(comment: Commented): boolean {
    return this.ownIds.has(comment.by);
  }

  // -- commands

  /** Say something in public. The own comment is in the state when this resolves, also if a flood kept it off others' screens. */
  async comment(text: string, keyed: Keyed = {}): Promise<Posted> {
    const posted = (await this.send({ t: "comment", text, ...withKey(keyed) })) as Posted;
    if (this.person) {
      const { id: by, name, role } = this.person;
      this.set(room.addComments(this.current, [{ t: "comment", id: posted.id, by, name: name ?? "", text, role }]));
      if (posted.held) this.set(room.hideFromOthers(this.current, posted.id, "held"));
      else if (posted.shown === false) this.set(room.hideFromOthers(this.current, posted.id, "left_out"));
    }
    return posted;
  }

  like(count = 1): Promise<Ok> {
    return this.send({ t: "like", count }) as Promise<Ok>;
  }

  say(text: string, options: Keyed & { pin?: boolean; answers?: string } = {}): Promise<Posted> {
    const { pin = false, answers } = options;
    return this.send({ t: "say", text, pin, ...(answers !== undefined && { answers }), ...withKey(options) }) as Promise<Posted>;
  }

  /** Pin a host message by its id; null takes the pin away. */
  pin(message: string | null, keyed: Keyed = {}): Promise<Ok> {
    return this.send({ t: "pin", message, ...withKey(keyed) }) as Promise<Ok>;
  }

  schedule(title: string, startsAt: number, keyed: Keyed = {}): Promise<Posted> {
    return this.send({ t: "schedule", title, starts_at: startsAt, ...withKey(keyed) }) as Promise<Posted>;
  }

  setShow(state: ShowState, keyed: Keyed = {}): Promise<Ok> {
    return this.send({ t: "set_show", state, ...withKey(keyed) }) as Promise<Ok>;
  }

  /** Run any other command of the protocol, as it stands there without `ref`; a key is made for those that take one. */
  run(command: Unkeyed, keyed: Keyed = {}): Promise<Answer> {
    const once = KEYLESS.has(command.t) ? {} : withKey(keyed);
    return this.send({ ...command, ...once } as Unnumbered);
  }

  /** See no more of somebody; their comments leave the state's list when a page filters by `blocked`. */
  async block(who: string): Promise<void> {
    await this.send({ t: "block", who });
    this.blockedIds = new Set([...this.blockedIds, who]);
    this.emit("state", this.current);
  }

  async unblock(who: string): Promise<void> {
    await this.send({ t: "unblock", who });
    this.blockedIds = new Set([...this.blockedIds].filter((each) => each !== who));
    this.emit("state", this.current);
  }

  /** People this viewer does not want to see. */
  get blocked(): ReadonlySet<string> {
    return this.blockedIds;
  }

  /** Notices up to this number were read. */
  seen(notice: number): Promise<Ok> {
    this.set(room.seen(this.current, notice));
    return this.send({ t: "seen", notice }) as Promise<Ok>;
  }

  private send(command: Unnumbered): Promise<Answer> {
    if (this.currentStatus.kind === "closed") return Promise.reject(new Error(`closed: ${this.currentStatus.text}`));
    return this.outbox.add(command, this.currentStatus.kind === "open", (numbered) => this.write(numbered)).then((reply) => {
      const receipt = reply.t === "entered" ? reply.receipt : reply.t === "posted" ? reply.entered : undefined;
      if (receipt) this.set(room.entered(this.current, receipt));
      if (reply.t === "posted" && reply.not_entered) this.set(room.refusedEntry(this.current, reply.not_entered, reply.not_entered_why ?? null));
      if (reply.t === "seated") this.set(room.taken(this.current, reply.own));
      return reply;
    }, (error: unknown) => {
      if (error instanceof Refused && error.entered) this.set(room.entered(this.current, error.entered));
      if (error instanceof Refused && error.notEntered) this.set(room.refusedEntry(this.current, error.notEntered, error.notEnteredWhy ?? null));
      throw error;
    });
  }

  private write(message: object): void {
    if (this.socket?.readyState === 1) this.socket.send(this.codec.encode([message]));
  }

  // -- the connection

  /** Come back now instead of later: the network is back, or somebody pressed the button. Opens a closed client again. */
  retryNow(): void {
    if (this.currentStatus.kind === "open" || this.currentStatus.kind === "connecting") return;
    this.attempt = 0;
    void this.connect();
  }

  /** Be called this from now on: leaves and joins again. For anonymous viewers. */
  rename(name: string): void {
    this.identity.rename(name);
    this.attempt = 0;
    this.reconnect(0);
  }

  /** Leave for good. */
  close(): void {
    this.end("closed", "closed by this page");
  }

  private async connect(): Promise<void> {
    this.drop();
    this.setStatus({ kind: "connecting" });
    this.tries += 1;
    const own = this.tries;
    let proof: Awaited<ReturnType<Identity["proof"]>>;
    try {
      proof = await this.identity.proof(this.current);
    } catch {
      if (own === this.tries) this.reconnect(); // the shop's backend is away, too
      return;
    }
    if (own !== this.tries || this.currentStatus.kind !== "connecting") return;
    const Socket = this.options.WebSocket ?? WebSocket;
    const socket = new Socket(this.options.url.replace(/^http/, "ws"), this.codec.subprotocol);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.comeBackMs = undefined;
    this.watch(CONNECT_MS);
    socket.onopen = () => {
      this.joinRef = this.outbox.nextRef();
      this.write({ t: "join", ref: this.joinRef, room: this.options.room, ...proof });
    };
    socket.onmessage = ({ data }) => this.socket === socket && this.receive(data as string | ArrayBuffer);
    socket.onclose = ({ code }) => this.socket === socket && this.broke(code);
  }

  /** Let go of the present connection, if there is one. */
  private drop(): void {
    for (const timer of [this.timer, this.watchdog, this.steady]) clearTimeout(timer);
    const socket = this.socket;
    this.socket = undefined;
    if (socket) {
      this.outbox.lost();
      socket.close();
    }
  }

  private broke(code: number): void {
    const known = CLOSES[code];
    if (known && !known.reconnect) this.end(known.name, known.text);
    else if (known?.fresh_token && !this.identity.dropToken()) this.end(known.name, known.text);
    else this.reconnect(this.comeBackMs);
  }

  private reconnect(afterMs?: number): void {
    this.drop();
    const wait = afterMs ?? backoffMs(this.attempt, (this.options.random ?? Math.random)());
    this.attempt += 1;
    this.setStatus({ kind: "waiting", retryAt: Date.now() + wait, attempt: this.attempt });
    this.timer = setTimeout(() => void this.connect(), wait);
  }

  private end(code: string, text: string): void {
    this.drop();
    this.outbox.close(text);
    this.setStatus({ kind: "closed", code, text });
  }

  private watch(silenceMs: number): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.reconnect(), silenceMs);
  }

  // -- what comes in

  private receive(payload: string | ArrayBuffer): void {
    this.watch(SILENCE_MS);
    const socket = this.socket;
    let messages: (Push | Reply)[];
    try {
      messages = this.codec.decode(payload) as (Push | Reply)[];
    } catch {
      this.reconnect(); // a frame was mangled on its way: have it again
      return;
    }
    let state = this.current;
    for (const message of messages) {
      if ("ref" in message) {
        this.set(state);
        this.reply(message);
        state = this.current;
        if (this.socket !== socket) return;
        continue;
      }
      const place = room.place(state, message);
      if (place === "old") continue;
      if (place === "gap") {
        this.set(state);
        this.reconnect(this.attempt === 0 ? 0 : undefined); // what is missing comes with the resume
        return;
      }
      state = room.apply(state, message);
      this.heard(message);
    }
    this.set(state);
  }

  private heard(push: Push): void {
    if (push.t === "heartbeat") this.clock.read(push.now, Date.now());
    if (push.t === "come_back") this.comeBackMs = (push as ComeBack).after_ms;
    if (push.t === "renewed") this.identity.renewed((push as Renewed).resume);
    this.emit("push", push);
  }

  private reply(reply: Reply): void {
    if (reply.t === "joined") this.joined(reply);
    else if (reply.ref === this.joinRef && reply.t === "error") this.joinRefused(new Refused(reply));
    else {
      const unknown = this.outbox.answer(reply);
      if (unknown && reply.t === "error") setTimeout(() => this.askAgain(unknown), reply.retry_after_ms ?? 1000);
    }
  }

  private askAgain(command: { ref: number }): void {
    if (this.currentStatus.kind === "open" && this.outbox.waits(command.ref)) this.write(command);
  }

  private joined(joined: Joined): void {
    const samePerson = this.person === undefined || this.person.id === joined.me.id;
    this.person = joined.me;
    this.ownIds.add(joined.me.id);
    if (!joined.resumed) this.blockedIds = new Set(joined.me.blocked ?? []);
    this.clock.read(joined.now, Date.now());
    this.identity.joined(joined.resume);
    this.steady = setTimeout(() => {
      this.attempt = 0;
    }, STEADY_MS);
    this.setStatus({ kind: "open" });
    this.emit("joined", joined);
    if (!samePerson) this.outbox.changedPerson();
    this.outbox.resend((command) => this.write(command));
  }

  private joinRefused(refused: Refused): void {
    const tokenTrouble = refused.code === "token_expired" || refused.code === "token_invalid";
    if (refused.temporary) this.reconnect(refused.retryAfterMs);
    else if (tokenTrouble && (this.identity.dropResume() || this.identity.dropToken())) this.reconnect();
    else this.end(refused.code, refused.message);
  }

  private set(state: room.RoomState): void {
    if (state === this.current) return;
    this.current = state;
    this.emit("state", state);
  }

  private setStatus(status: Status): void {
    this.currentStatus = status;
    this.emit("status", status);
  }
}

/** Commands that do no harm twice. */
const KEYLESS = new Set(["join", "like", "seen", "report", "block", "unblock", "pay_seat"]);

function withKey({ key }: Keyed): { key?: string } {
  if (key === null) return {};
  return { key: key ?? freshKey() };
}

/** 128 random bits. Not `randomUUID`: browsers keep that one for https. */
export function freshKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Join a room. Listen with `on`, act with the commands, leave with `close`. */
export function connect(options: ConnectOptions): Client {
  return new Client(options);
}
