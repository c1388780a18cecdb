/** A plan while it is being filled in: text as it is typed, and what becomes of it. */

import type { BeaconKind, DrawPlan } from "@sdk";

export interface Tier {
  readonly tier: string;
  readonly name: string;
  readonly quantity: string;
  readonly value: string;
}

export interface Draft {
  readonly title: string;
  readonly tiers: readonly Tier[];
  readonly currency: string;
  readonly entry: "click" | "password";
  readonly password: string;
  readonly commented: boolean;
  readonly team: boolean;
  readonly bought: boolean;
  readonly watched: string;
  readonly law: boolean;
  readonly byHand: boolean;
  readonly seconds: string;
  readonly extraCommented: string;
  readonly extraBought: string;
  readonly extraTeam: string;
  readonly extraWatched: string;
  readonly watchedStep: string;
  readonly watchedMost: string;
  readonly exclude: string;
  readonly organiser: string;
  readonly terms: string;
  readonly region: string;
  readonly age: string;
  readonly days: string;
  readonly beacon: BeaconKind;
}

export const LEAST_S = 30;
export const MOST_S = 300;
const DAY_S = 86_400;

export const fresh = (organiser: string, beacon: BeaconKind, currency: string, tier: string): Draft => ({
  title: "", tiers: [{ tier, name: "", quantity: "1", value: "" }], currency, entry: "click", password: "", commented: false, team: false,
  bought: false, watched: "0", law: false, byHand: false, seconds: "60", extraCommented: "0", extraBought: "0", extraTeam: "0",
  extraWatched: "0", watchedStep: "60", watchedMost: "5", exclude: "0", organiser, terms: "", region: "", age: "18", days: "7", beacon,
});

const exponentOf = (currency: string): number => {
  try {
    return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;
  } catch {
    return 2;
  }
};
const whole = (text: string): number => Math.max(0, Math.trunc(Number(text) || 0));
const within = (text: string, least: number, most: number): boolean => /^\d+$/.test(text) && Number(text) >= least && Number(text) <= most;
const complete = (tier: Tier): boolean => Boolean(tier.name.trim() && tier.tier.trim()) && whole(tier.quantity) > 0 && tier.value !== "" && Number(tier.value) >= 0;

/** Draws that favour buyers need a second thought. */
export const favoursBuyers = (draft: Draft): boolean => draft.bought || whole(draft.extraBought) > 0;

export type Missing = "title" | "prizes" | "currency" | "password" | "length" | "law" | "organiser";

/** What a draft lacks, in the order of the form. */
export function missing(draft: Draft): readonly Missing[] {
  const lacks: Record<Missing, boolean> = {
    title: !draft.title.trim(),
    prizes: !draft.tiers.every(complete),
    currency: !/^[A-Z]{3}$/.test(draft.currency),
    password: draft.entry === "password" && !draft.password.trim(),
    length: !draft.byHand && !within(draft.seconds, LEAST_S, MOST_S),
    law: favoursBuyers(draft) && !draft.law,
    organiser: !draft.organiser.trim(),
  };
  return (Object.keys(lacks) as Missing[]).filter((each) => lacks[each]);
}

/** What is sent, of a draft that lacks nothing. */
export function planOf(draft: Draft): DrawPlan {
  const exponent = exponentOf(draft.currency);
  return {
    title: draft.title.trim(),
    prizes: draft.tiers.map((tier) => ({
      tier: tier.tier.trim(), name: tier.name.trim(), quantity: whole(tier.quantity), value: Math.round(Number(tier.value) * 10 ** exponent), currency: draft.currency, exponent,
    })),
    entry: draft.entry,
    password: draft.entry === "password" ? draft.password.trim() : null,
    needs: { commented: draft.commented, team: draft.team, bought: draft.bought, watched_s: whole(draft.watched) },
    law_read: favoursBuyers(draft) && draft.law,
    seconds: draft.byHand ? null : whole(draft.seconds),
    weights: {
      commented: whole(draft.extraCommented), bought: whole(draft.extraBought), team: whole(draft.extraTeam),
      watched: whole(draft.extraWatched), watched_step_s: Math.max(1, whole(draft.watchedStep)), watched_most: whole(draft.extraWatched) > 0 ? whole(draft.watchedMost) : 0,
    },
    exclude_winners_of: whole(draft.exclude),
    organiser: draft.organiser.trim(),
    terms: draft.terms,
    region: draft.region,
    minimum_age: whole(draft.age),
    claim_s: Math.max(1, whole(draft.days)) * DAY_S,
    beacon: draft.beacon,
  };
}

/** A template as it is filled into the form. What the law says is asked anew. */
export function draftOf(plan: DrawPlan): Draft {
  const [first] = plan.prizes;
  const text = (value: number | undefined) => String(value ?? 0);
  return {
    title: plan.title,
    tiers: plan.prizes.map((each) => ({ tier: each.tier, name: each.name, quantity: String(each.quantity ?? 1), value: String(each.value / 10 ** (each.exponent ?? 2)) })),
    currency: first?.currency ?? "EUR",
    entry: plan.entry ?? "click",
    password: plan.password ?? "",
    commented: plan.needs?.commented ?? false,
    team: plan.needs?.team ?? false,
    bought: plan.needs?.bought ?? false,
    watched: text(plan.needs?.watched_s),
    law: false,
    byHand: plan.seconds == null,
    seconds: String(plan.seconds ?? 60),
    extraCommented: text(plan.weights?.commented),
    extraBought: text(plan.weights?.bought),
    extraTeam: text(plan.weights?.team),
    extraWatched: text(plan.weights?.watched),
    watchedStep: String(plan.weights?.watched_step_s ?? 60),
    watchedMost: String(plan.weights?.watched_most || 5),
    exclude: text(plan.exclude_winners_of),
    organiser: plan.organiser,
    terms: plan.terms ?? "",
    region: plan.region ?? "",
    age: String(plan.minimum_age ?? 18),
    days: String(Math.round((plan.claim_s ?? 7 * DAY_S) / DAY_S)),
    beacon: plan.beacon ?? "drand",
  };
}
