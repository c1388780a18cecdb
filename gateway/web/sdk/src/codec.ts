/** Codec: frames ⇄ messages. JSON is built in; `msgpack.ts` holds the other, so that a page which does not use it does not load it. */

import { CODECS } from "./protocol";

export interface Codec {
  /** The websocket subprotocol that stands for it. */
  readonly subprotocol: string;
  encode(messages: readonly object[]): string | Uint8Array<ArrayBuffer>;
  /** Throws when the payload is not a list of messages in this codec. */
  decode(payload: string | ArrayBuffer): unknown[];
}

export const json: Codec = {
  subprotocol: CODECS.json,
  encode: (messages) => JSON.stringify(messages),
  decode: (payload) => list(JSON.parse(typeof payload === "string" ? payload : new TextDecoder().decode(payload))),
};

/** A frame is always a list. */
export function list(frame: unknown): unknown[] {
  if (!Array.isArray(frame)) throw new TypeError("a frame must be a list of messages");
  return frame;
}
