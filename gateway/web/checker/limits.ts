/** Limits: what a proof does not show, in plain words, for this draw. */

import type { Proof } from "./document";

export function notProven({ rules, passed, lapsed }: Proof): readonly string[] {
  const said = [
    "That the entrants are different people: the shop signs its viewers in.",
    "That nobody was refused entry against the rules: refusals are recorded by the shop.",
  ];
  if (rules.beacon.tier === "drand") said.push("That the organisations behind drand did not collude: more than half of them would have to.");
  if (rules.beacon.tier === "co-hosts") said.push("That the co-hosts did not all collude.", "That the co-host who revealed last would not have preferred a void draw.");
  if (rules.beacon.tier === "recorded") said.push("Chance: the beacon was known beforehand. This is a rehearsal.");
  const gone = [...passed, ...lapsed].map(({ why }) => why);
  if (gone.includes("disqualified")) said.push("That winners were disqualified rightly: that is the shop’s word.");
  if (gone.includes("declined")) said.push("That winners declined: that is the shop’s word.");
  return said;
}
