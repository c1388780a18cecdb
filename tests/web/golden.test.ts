/** Golden vectors: the SDK reads what the server writes, and writes what the server reads, to the byte. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { json } from "../../gateway/web/sdk/src/codec";
import { msgpack } from "../../gateway/web/sdk/src/msgpack";
import type { Push } from "../../gateway/web/sdk/src/protocol";
import { apply, EMPTY, place } from "../../gateway/web/sdk/src/state";

interface Vector {
  readonly kind: string;
  readonly plain: Record<string, unknown>;
  readonly json: string;
  readonly msgpack_hex: string;
}

const { messages } = JSON.parse(readFileSync(new URL("../golden/vectors.json", import.meta.url), "utf8")) as { messages: Vector[] };
/** Commands: what the server reads. */
const SENT = new Set(messages.filter(({ plain }) => "ref" in plain && !["ok", "posted", "joined", "invited", "error"].includes(plain["t"] as string)).map(({ plain }) => plain["t"] as string));
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));

test("there are vectors of every lane and of commands", () => {
  const kinds = new Set(messages.map(({ kind }) => kind));
  for (const kind of ["Log", "Staff", "Live", "Gauge", "Notice", "Snapshot", "Joined", "Error", "Join", "Say"]) assert.ok(kinds.has(kind), kind);
});

for (const [index, vector] of messages.entries()) {
  test(`${index} ${vector.kind}: both codecs decode it to the same, and encode a command to the same bytes`, () => {
    assert.deepEqual(json.decode(vector.json), [vector.plain]);
    assert.deepEqual(msgpack.decode(bytes(vector.msgpack_hex).buffer), [vector.plain]);
    assert.equal(json.encode([vector.plain]), vector.json);
    // Of what the server writes the widths may differ: it leaves room for a map's size before it knows it.
    if (SENT.has(vector.plain["t"] as string)) assert.deepEqual(msgpack.encode([vector.plain]), bytes(vector.msgpack_hex));
  });
}

test("every push of the vectors can be placed and applied", () => {
  const pushes = messages.map(({ plain }) => plain).filter((plain) => !("ref" in plain)) as unknown as Push[];
  for (const push of pushes) {
    assert.ok(["next", "old", "gap"].includes(place(EMPTY, push)));
    assert.equal(typeof apply(EMPTY, push).seq, "number");
  }
  const snapshot = pushes.find((push) => push.t === "snapshot" && (push.messages?.length ?? 0) > 0);
  assert.ok(snapshot?.t === "snapshot");
  assert.deepEqual(apply(EMPTY, snapshot).messages, snapshot.messages);
});
