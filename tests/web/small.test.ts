/** Small pure parts: backoff, clock, codecs, words and times, the merged stream. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs } from "../../gateway/web/sdk/src/backoff";
import { ServerClock } from "../../gateway/web/sdk/src/clock";
import { json } from "../../gateway/web/sdk/src/codec";
import { msgpack } from "../../gateway/web/sdk/src/msgpack";
import type { Commented, HostMessage } from "../../gateway/web/sdk/src/protocol";
import { characters, clock, hue, initial } from "../../gateway/web/shared/format";
import { countAfter, entries, MOST_ROWS } from "../../gateway/web/viewer/entries";

test("backoff doubles its ceiling up to 15 s and may be as short as nothing", () => {
  assert.deepEqual([0, 1, 2, 5, 9, 1000].map((attempt) => backoffMs(attempt, 1)), [500, 1000, 2000, 15000, 15000, 15000]);
  assert.equal(backoffMs(7, 0), 0);
  assert.equal(backoffMs(0, 0.5), 250);
});

test("a late reading does not set the clock back, a device whose clock was set does", () => {
  const server = new ServerClock();
  server.read(10_000, 1_000);
  server.read(10_400, 1_500); // 100 ms on its way
  assert.equal(server.now(2_000), 11_000);
  server.read(12_000, 8_000); // the device jumped five seconds ahead
  assert.equal(server.now(8_000), 12_000);
});

for (const codec of [json, msgpack]) {
  test(`${codec.subprotocol}: what is encoded is decoded, and nothing but a list is a frame`, () => {
    const messages = [{ t: "comment", ref: 2 ** 32 - 1, text: "zażółć 这件 😍", at: 2 ** 53 - 1, none: null }];
    const payload = codec.encode(messages);
    const received = typeof payload === "string" ? payload : payload.slice().buffer;
    assert.deepEqual(codec.decode(received), messages);
    const map = codec === json ? '{"t":1}' : new Uint8Array([0x81, 0xa1, 0x74, 0x01]).buffer;
    assert.throws(() => codec.decode(map), TypeError);
  });
}

test("clocks show what is left, never less than nothing", () => {
  assert.deepEqual([125_000, 3_725_000, 1, -5].map(clock), ["02:05", "1:02:05", "00:01", "00:00"]);
});

test("letters are counted as the server counts them", () => {
  assert.equal(characters("a😍é"), 3);
  assert.deepEqual(["ann", " 小明", "😍x", ""].map(initial), ["A", "小", "😍", "·"]);
});

test("a person keeps their colour", () => {
  assert.equal(hue("abc"), hue("abc"));
  assert.ok(new Set(Array.from({ length: 100 }, (_, number) => hue(`person ${number}`))).size === 8);
});

test("comments and host messages stand in the order of their ids, newest last, up to the cap", () => {
  const id = (number: number) => `${number}`.padStart(13, "0");
  const comments = Array.from({ length: 300 }, (_, number) => ({ id: id(number * 2) }) as Commented);
  const messages = [599, 3].map((number) => ({ id: id(number) }) as HostMessage).reverse();
  const merged = entries({ comments, messages });
  assert.equal(merged.length, MOST_ROWS);
  assert.deepEqual(merged.slice(-2).map(({ kind }) => kind), ["comment", "message"]);
  assert.equal(countAfter(merged, merged.at(-4)), 3);
});
