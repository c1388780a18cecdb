/** MessagePack codec: smaller frames, at the price of a larger page. `connect({ codec: msgpack })`. */

import { decode, encode } from "@msgpack/msgpack";
import { type Codec, list } from "./codec";

export const msgpack: Codec = {
  subprotocol: "livestream.v1.msgpack",
  encode: (messages) => encode(messages),
  decode: (payload) => list(decode(typeof payload === "string" ? new TextEncoder().encode(payload) : new Uint8Array(payload))),
};
