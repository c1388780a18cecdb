/** The client: what it does when lines break, doors close and answers do not come. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { type Client, type ConnectOptions, connect, NotConnected, OutcomeUnknown, Refused } from "../../gateway/web/sdk/src/index";
import type { Snapshot } from "../../gateway/web/sdk/src/protocol";
import { Line, line } from "./line";

let client: Client;

function open(options: Partial<ConnectOptions> = {}): Client {
  client = connect({ url: "ws://test/v1/ws", room: "demo", WebSocket: Line as unknown as typeof WebSocket, random: () => 0, ...options });
  return client;
}

beforeEach(() => {
  Line.opened = [];
});
afterEach(() => client.close());

const snapshot = (seq: number, epoch = "e1"): Snapshot => ({ t: "snapshot", epoch, seq, room: "demo", title: "Room" }) as Snapshot;
const said = (seq: number) =>
  ({ t: "log", seq, at: seq, event: { t: "said", message: { id: `${seq}`.padStart(13, "0"), name: "Ada", text: `m${seq}`, at: seq } } }) as const;
const texts = () => client.state.messages.map((message) => message.text);

async function joined(options: Partial<ConnectOptions> = {}): Promise<Line> {
  open(options);
  const first = await line(1);
  first.accept();
  await settle();
  first.letIn({}, snapshot(3));
  return first;
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 2));

test("joins with the token and knows the room from the snapshot", async () => {
  const first = await joined({ token: "T" });
  assert.equal(first.protocol, "livestream.v1.json");
  assert.deepEqual(first.of("join"), [{ t: "join", ref: 1, room: "demo", token: "T" }]);
  assert.equal(client.status.kind, "open");
  assert.equal(client.state.seq, 3);
});

test("comes back after a cut and resumes after the last event it has", async () => {
  const first = await joined({ token: "T" });
  first.say(said(4));
  first.cut();
  const second = await line(2);
  second.accept();
  assert.deepEqual(second.of("join")[0]?.["resume"], { token: "R1", epoch: "e1", seq: 4, staff_seq: 0 });
  second.letIn({ resumed: true, resume: "R2" }, said(5), said(6));
  assert.deepEqual(texts(), ["m4", "m5", "m6"]);
});

test("an event that came before is ignored", async () => {
  const first = await joined();
  first.say(said(4), said(4), said(3), said(5));
  assert.deepEqual(texts(), ["m4", "m5"]);
});

test("a gap in the log means: reconnect and resume from before it", async () => {
  const first = await joined();
  first.say(said(4), said(6));
  const second = await line(2);
  second.accept();
  assert.equal((second.of("join")[0]?.["resume"] as { seq: number }).seq, 4);
  second.letIn({ resumed: true }, said(5), said(6));
  assert.deepEqual(texts(), ["m4", "m5", "m6"]);
});

test("a heartbeat ahead of the log is a gap too", async () => {
  const first = await joined();
  first.say({ t: "heartbeat", now: Date.now(), seq: 4 });
  await line(2);
});

test("on a steady line the first gap is mended at once, and only the next ones wait", async () => {
  const first = await joined({ random: () => 0.999 });
  first.say(said(4), said(6));
  assert.equal(client.status.kind === "waiting" && client.status.retryAt <= Date.now(), true);
  const second = await line(2);
  second.accept();
  second.letIn({ resumed: true }, said(5), said(7));
  assert.equal(client.status.kind === "waiting" && client.status.retryAt > Date.now() + 100, true);
});

test("who takes another name while the shop still answers for the old one joins once, under the new one", async () => {
  const asked: ((token: string) => void)[] = [];
  open({ getToken: () => new Promise((resolve) => asked.push(resolve)) });
  await settle();
  client.rename("New");
  await settle();
  asked[0]?.("OLD");
  await settle();
  assert.equal(Line.opened.length, 0);
  asked[1]?.("NEW");
  const only = await line(1);
  only.accept();
  await settle();
  assert.equal(only.of("join")[0]?.["token"], "NEW");
  assert.equal(Line.opened.length, 1);
});

test("a snapshot on an open line replaces what was known, also backwards", async () => {
  const first = await joined();
  first.say(said(4), snapshot(2, "e2"), said(3));
  assert.equal(client.state.epoch, "e2");
  assert.deepEqual(texts(), ["m3"]);
});

test("a command that was not answered is sent again with the same key, and answered once", async () => {
  const first = await joined();
  const comment = client.comment("hello");
  const [sent] = first.of("comment");
  assert.match(String(sent?.["key"]), /^[0-9a-f]{32}$/);
  first.cut();
  const second = await line(2);
  second.accept();
  second.letIn({ resumed: true });
  assert.deepEqual(second.of("comment"), [sent]);
  second.say({ t: "posted", ref: sent?.["ref"] as number, id: "0000000000009" });
  assert.equal((await comment).id, "0000000000009");
  assert.deepEqual(client.state.comments.map((each) => each.text), ["hello"]);
});

test("a command without a key fails when the line breaks, and says why", async () => {
  const first = await joined();
  const comment = client.comment("hello", { key: null });
  const like = client.like(3);
  first.cut();
  await assert.rejects(comment, OutcomeUnknown);
  await assert.rejects(like, /no idempotency key/);
  await assert.rejects(client.like(), NotConnected);
});

test("a command given while the line is broken is sent when it is back", async () => {
  const first = await joined();
  first.cut();
  void client.comment("later").catch(() => undefined);
  const second = await line(2);
  second.accept();
  second.letIn({ resumed: true });
  assert.deepEqual(second.of("comment").map((each) => each["text"]), ["later"]);
});

test("keys of another person are not sent again: their outcome stays unknown", async () => {
  const first = await joined();
  const comment = client.comment("hello");
  first.cut();
  const second = await line(2);
  second.accept();
  second.letIn({ me: { id: "somebody else", role: "anonymous" } }, snapshot(3));
  await assert.rejects(comment, OutcomeUnknown);
  assert.deepEqual(second.of("comment"), []);
});

test("an unknown outcome is asked about again with the same key", async () => {
  const first = await joined();
  const comment = client.comment("hello");
  const ref = first.of("comment")[0]?.["ref"] as number;
  first.say({ t: "error", ref, code: "outcome_unknown", text: "?", temporary: true, retry_after_ms: 1 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  const [one, other] = first.of("comment");
  assert.deepEqual(one, other);
  first.say({ t: "posted", ref, id: "0000000000009" });
  await comment;
});

test("after a broken line a refusal for now settles nothing: the first try may have taken effect", async () => {
  const first = await joined({ random: () => 0 });
  const comment = client.comment("hello");
  first.cut();
  const second = await line(2);
  second.accept();
  await settle();
  second.letIn({ resumed: true });
  const ref = second.of("comment")[0]?.["ref"] as number;
  second.say({ t: "error", ref, code: "busy", text: "later", temporary: true, retry_after_ms: 1 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(second.of("comment").length, 2);
  second.say({ t: "posted", ref, id: "0000000000009" });
  await comment;
});

test("a refusal carries its code and how long to wait", async () => {
  const first = await joined();
  const comment = client.comment("hello");
  first.say({ t: "error", ref: first.of("comment")[0]?.["ref"] as number, code: "rate_limited", text: "slow", temporary: true, retry_after_ms: 900 });
  await assert.rejects(comment, (error: Refused) => error.code === "rate_limited" && error.temporary && error.retryAfterMs === 900);
});

test("come_back says when to come back", async () => {
  const first = await joined({ random: () => 0.999 });
  first.say({ t: "come_back", after_ms: 30 });
  const before = Date.now();
  first.cut(4000);
  await line(2);
  assert.ok(Date.now() - before >= 28);
  assert.ok(Date.now() - before < 400, "the hint counts, not the backoff");
});

test("a token that a ping renewed is the one to come back with", async () => {
  const first = await joined({ random: () => 0 });
  first.say({ t: "renewed", resume: "R2" });
  assert.equal(client.resumeToken, "R2");
  first.cut();
  const second = await line(2);
  second.accept();
  await settle();
  assert.equal((second.of("join")[0]?.["resume"] as { token: string }).token, "R2");
});

for (const [code, name] of [[4200, "bad_frame"], [4202, "flood"], [4203, "replaced"]] as const) {
  test(`close ${code} is for good`, async () => {
    const first = await joined();
    const waiting = client.comment("hello");
    first.cut(code);
    assert.equal(client.status.kind, "closed");
    assert.equal((client.status as { code: string }).code, name);
    await assert.rejects(waiting, OutcomeUnknown);
    await settle();
    assert.equal(Line.opened.length, 1);
  });
}

test("an expired token is replaced by a new one, and the log still resumes", async () => {
  let made = 0;
  const first = await joined({ getToken: async () => `T${++made}` });
  first.say(said(4));
  first.cut(4100);
  const second = await line(2);
  second.accept();
  const [join] = second.of("join");
  assert.equal(join?.["token"], "T2");
  assert.equal((join?.["resume"] as { seq: number }).seq, 4);
  assert.notEqual((join?.["resume"] as { token: string }).token, "R1");
});

test("an expired token that nobody can replace ends it", async () => {
  const first = await joined({ token: "T" });
  first.cut(4100);
  assert.equal(client.status.kind, "closed");
});

test("of a password that was refused as a comment the room knows why it was no entry", async () => {
  open();
  const first = await line(1);
  first.accept();
  await settle();
  const draw = { id: "d", title: "Friday", state: "open", prizes: [], entry: "password", password: "open", beacon: "drand" };
  first.letIn({}, { ...snapshot(3), draws: [draw] } as unknown as Snapshot);
  const comment = client.comment("open");
  const ref = first.of("comment")[0]?.["ref"] as number;
  first.say({ t: "error", ref, code: "slow_mode", text: "wait", temporary: true, retry_after_ms: 900, not_entered: "draw_not_eligible", not_entered_why: "watch" });
  await assert.rejects(comment, (error: Refused) => error.code === "slow_mode" && error.notEntered === "draw_not_eligible");
  assert.deepEqual(client.state.notEntered, { draw: "d", code: "draw_not_eligible", why: "watch" });
});

test("of a password that was refused as a comment the room knows that it is an entry all the same", async () => {
  open();
  const first = await line(1);
  first.accept();
  await settle();
  first.letIn();
  const comment = client.comment("open");
  const ref = first.of("comment")[0]?.["ref"] as number;
  const entered = { protocol: "LTD1" as const, draw_id: "d", rules_hash: "h", entry_id: "e", weight: 1, entered_ms: 1, signature: "s" };
  first.say({ t: "error", ref, code: "comments_closed", text: "ended", entered });
  await assert.rejects(comment, (error: Refused) => error.code === "comments_closed" && error.entered?.entry_id === "e");
  assert.deepEqual(client.state.ownDraws.map((own) => own.receipt), [entered]);
});

test("a resume token that is refused is dropped, and the viewer joins afresh", async () => {
  open({ resume: "kept from before" });
  const first = await line(1);
  first.accept();
  const [join] = first.of("join");
  assert.deepEqual(join?.["resume"], { token: "kept from before", epoch: "", seq: 0, staff_seq: 0 });
  first.say({ t: "error", ref: join?.["ref"] as number, code: "token_expired", text: "" });
  const second = await line(2);
  second.accept();
  assert.equal(second.of("join")[0]?.["resume"], undefined);
});

test("a room that does not exist is not asked for again", async () => {
  open();
  const first = await line(1);
  first.accept();
  first.say({ t: "error", ref: 1, code: "room_not_found", text: "No room of this id." });
  assert.deepEqual(client.status, { kind: "closed", code: "room_not_found", text: "No room of this id." });
});

test("a frame that cannot be read is fetched again", async () => {
  const first = await joined();
  first.onmessage?.({ data: "[{" });
  await line(2);
});

test("an own comment is there once, though it comes with the reply and over the live lane", async () => {
  const first = await joined();
  const posting = client.comment("mine");
  first.say({ t: "live", events: [{ t: "comment", id: "0000000000009", by: "me", name: "Ann", text: "mine" }] });
  first.say({ t: "posted", ref: first.of("comment")[0]?.["ref"] as number, id: "0000000000009" });
  await posting;
  assert.equal(client.state.comments.length, 1);
  assert.ok(client.isOwn(client.state.comments[0]!));
});

test("countdowns run by the server's clock", async () => {
  open();
  const first = await line(1);
  first.accept();
  await settle();
  first.letIn({ now: Date.now() + 3_600_000 }, snapshot(3));
  assert.ok(Math.abs(client.now() - Date.now() - 3_600_000) < 50);
});

test("a listener that was taken away hears nothing", async () => {
  const first = await joined();
  let heard = 0;
  const stop = client.on("state", () => heard++);
  first.say(said(4));
  stop();
  first.say(said(5));
  assert.equal(heard, 1);
});
