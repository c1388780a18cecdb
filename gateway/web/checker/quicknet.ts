/** Quicknet, the beacon of drand: times of rounds, and whether the network signed one. */

import { bls12_381 } from "@noble/curves/bls12-381.js";
import { u64be, unhex } from "./bytes";
import { hash } from "./digest";

const GENESIS_MS = 1_692_803_367_000;
const PERIOD_MS = 3000;
const LEAD_MS = 10_000;
const PUBLIC_KEY =
  "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a";
const DOMAIN = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

export const timeOf = (round: number): number => GENESIS_MS + (round - 1) * PERIOD_MS;

/** The first round whose time is at least 10 s after the close. */
export const roundFor = (closedMs: number): number => Math.max(1, Math.ceil((closedMs + LEAD_MS - GENESIS_MS) / PERIOD_MS) + 1);

/** Bytes that are no point of the right group are no signature. */
export function signed(round: number, signature: Uint8Array): boolean {
  const { shortSignatures } = bls12_381; // signatures in G1, keys in G2
  try {
    return shortSignatures.verify(signature, shortSignatures.hash(hash(u64be(round)), DOMAIN), unhex(PUBLIC_KEY));
  } catch {
    return false;
  }
}

export const randomness = (signature: Uint8Array): Uint8Array => hash(signature);
