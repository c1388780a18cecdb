/**
 * Published: a draw as the text of its rules has it, and whether what the server sent beside that text fits. The hash of the text
 * stands in receipts and in the proof, so what is read from it is shown to everybody alike; all else could be told to one alone.
 */

import type { BeaconKind, Draw, DrawReceipt } from "@sdk";
import { ascii, hex, unhex } from "../../checker/bytes";
import { digest } from "../../checker/digest";
import { type Beacon, type Rules, readReceipt, readRules } from "../../checker/document";

const KINDS: Readonly<Record<Beacon["tier"], BeaconKind>> = { drand: "drand", "co-hosts": "cohosts", recorded: "recorded" };

let last: { readonly text: string; readonly rules: Rules | null } | undefined;

function read(text: string): Rules | null {
  try {
    return readRules(text);
  } catch {
    return null;
  }
}

/** Of a draw that was opened; null: it was not, or these are no rules of the protocol. */
export function rulesOf({ rules: text }: Pick<Draw, "rules">): Rules | null {
  if (!text) return null;
  if (last?.text !== text) last = { text, rules: read(text) };
  return last.rules;
}

/** The draw with what its rules say in place of what the server says beside them. */
export function asPublished(draw: Draw): Draw {
  const rules = rulesOf(draw);
  if (!rules) return draw;
  const { title, entry, password, beacon, eligibility } = rules;
  return {
    ...draw,
    title,
    prizes: [...rules.prizes],
    entry,
    password,
    needs: { commented: eligibility.commented, team: eligibility.joined_team, bought: eligibility.bought, watched_s: eligibility.watched_s },
    beacon: KINDS[beacon.tier],
    parties: beacon.tier === "co-hosts" ? beacon.cohosts.map(({ name }) => name) : [],
  };
}

export const hashOf = async (rules: string): Promise<string> => hex(await digest(ascii(rules)));

/** Is this text the rules of this draw, under the hash that the server states? */
export async function rulesFit(draw: Draw): Promise<boolean> {
  return rulesOf(draw)?.draw_id === draw.id && (await hashOf(draw.rules ?? "")) === draw.rules_hash;
}

/** Did the key in the rules sign this receipt, for this draw and these rules? The code for that is fetched by who has a receipt. */
export async function receiptHolds(draw: Draw, receipt: DrawReceipt): Promise<boolean> {
  const rules = rulesOf(draw);
  if (!rules || receipt.draw_id !== draw.id || receipt.rules_hash !== (await hashOf(draw.rules ?? ""))) return false;
  const { genuine } = await import("../../checker/receipt");
  try {
    return genuine(readReceipt(receipt), unhex(rules.shop_key));
  } catch {
    return false; // it has not the form of one
  }
}
