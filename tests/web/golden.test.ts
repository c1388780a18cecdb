/** The golden vectors, read by the SDK's codecs: the same bytes that the server's tests read. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { json } from "../../gateway/web/sdk/src/codec";
import { msgpack } from "../../gateway/web/sdk/src/msgpack";

interface Vector { kind: string; plain: object; json: string; msgpack_hex: string }
const vectors: { messages: Vector[] } = JSON.parse(readFileSync(new URL("../golden/vectors.json", import.meta.url), "utf8"));

for (const vector of vectors.messages) {
  test(`${vector.kind} is read alike from JSON and from MessagePack`, () => {
    const packed = Uint8Array.from(Buffer.from(vector.msgpack_hex, "hex"));
    assert.deepEqual(json.decode(vector.json), [vector.plain]);
    assert.deepEqual(msgpack.decode(packed.buffer), [vector.plain]);
  });

  test(`${vector.kind} survives the SDK's own encoding`, () => {
    for (const codec of [json, msgpack]) {
      const sent = codec.encode([vector.plain]);
      const received = typeof sent === "string" ? sent : sent.slice().buffer;
      assert.deepEqual(codec.decode(received), [vector.plain]);
    }
  });
}
