/** MessagePack codec: smaller frames, at the price of a larger page. `connect({ codec: msgpack })`. */

import { decode, encode } from "@msgpack/msgpack";
import { type Codec, list } from "./codec";
import { CODECS } from "./protocol";

export const msgpack: Codec = {
  subprotocol: CODECS.msgpack,
  encode: (messages) => encode(messages),
  decode: (payload) => list(decode(typeof payload === "string" ? new TextEncoder().encode(payload) : new Uint8Array(payload))),
};
