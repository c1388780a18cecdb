/** Limits: what a proof does not show, in plain words. The Python checker has the same, and so has docs/draws.md. */

import type { Beacon, Proof } from "./document";

const LIMITS = {
  people: "That the entrants are different people: the shop signs its viewers in.",
  refused: "That nobody was refused entry against the rules: refusals are recorded by the shop.",
  earned: "That entrants met the conditions and earned their weights: a weight is one that the rules can give, and the rest is the shop's word.",
  in_time: "That rules and root were out in time, for who did not watch: a page that was open then has seen them, and a receipt names the rules.",
  drand: "That the organisations behind drand did not collude: more than half of them would have to.",
  collusion: "That the co-hosts did not all collude.",
  last_reveal: "That the co-host who revealed last would not have preferred a void draw.",
  names: "That the co-hosts are who their names say: the host named them.",
  chance: "Chance: the beacon was known beforehand. This is a rehearsal.",
  unclaimed: "That winners had the chance to claim what they lost as unclaimed: that they were told is the shop's word.",
  declined: "That winners declined: that is the shop's word.",
  disqualified: "That winners were disqualified rightly: that is the shop's word.",
  handed_over: "That the prizes are handed over.",
} as const;

type Limit = keyof typeof LIMITS;

const ALWAYS: readonly Limit[] = ["people", "refused", "earned", "in_time"];
const OF_BEACON: Readonly<Record<Beacon["tier"], readonly Limit[]>> = {
  drand: ["drand"],
  "co-hosts": ["collusion", "last_reveal", "names"],
  recorded: ["chance"],
};

/** Those that concern this draw. */
export function notProven({ rules, passed, lapsed, drawing }: Proof): readonly string[] {
  const concern = new Set<string>([...ALWAYS, ...OF_BEACON[rules.beacon.tier], ...[...passed, ...lapsed].map(({ why }) => why), ...(drawing ? ["handed_over"] : [])]);
  return Object.entries(LIMITS).filter(([name]) => concern.has(name)).map(([, text]) => text);
}
