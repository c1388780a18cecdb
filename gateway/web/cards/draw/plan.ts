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
  readonly seconds: string;
  readonly extraCommented: string;
  readonly extraBought: string;
  readonly extraTeam: string;
  readonly exclude: string;
  readonly organiser: string;
  readonly terms: string;
  readonly region: string;
  readonly age: string;
  readonly days: string;
  readonly beacon: BeaconKind;
}

export const LENGTHS = [30, 60, 120, 180, 300] as const;
export const TIER: Tier = { tier: "First prize", name: "", quantity: "1", value: "" };

export const fresh = (organiser: string, beacon: BeaconKind, currency: string): Draft => ({
  title: "", tiers: [TIER], currency, entry: "click", password: "", commented: false, team: false, bought: false, watched: "0",
  law: false, seconds: "60", extraCommented: "0", extraBought: "0", extraTeam: "0", exclude: "0", organiser, terms: "", region: "",
  age: "18", days: "7", beacon,
});

const exponentOf = (currency: string): number => {
  try {
    return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;
  } catch {
    return 2;
  }
};
const whole = (text: string): number => Math.max(0, Math.trunc(Number(text) || 0));

/** Draws that favour buyers need a second thought. */
export const favoursBuyers = (draft: Draft): boolean => draft.bought || whole(draft.extraBought) > 0;

/** What is sent; null: something is missing. */
export function planOf(draft: Draft): DrawPlan | null {
  const exponent = exponentOf(draft.currency);
  const complete = draft.title.trim() && draft.organiser.trim() && /^[A-Z]{3}$/.test(draft.currency) && draft.tiers.every((tier) => tier.name.trim() && tier.tier.trim() && whole(tier.quantity) > 0 && tier.value !== "" && Number(tier.value) >= 0);
  if (!complete || (draft.entry === "password" && !draft.password.trim()) || (favoursBuyers(draft) && !draft.law)) return null;
  return {
    title: draft.title.trim(),
    prizes: draft.tiers.map((tier) => ({
      tier: tier.tier.trim(), name: tier.name.trim(), quantity: whole(tier.quantity), value: Math.round(Number(tier.value) * 10 ** exponent), currency: draft.currency, exponent,
    })),
    entry: draft.entry,
    password: draft.entry === "password" ? draft.password.trim() : null,
    needs: { commented: draft.commented, team: draft.team, bought: draft.bought, watched_s: whole(draft.watched) },
    law_read: draft.law,
    seconds: draft.seconds === "" ? null : whole(draft.seconds),
    weights: { commented: whole(draft.extraCommented), bought: whole(draft.extraBought), team: whole(draft.extraTeam) },
    exclude_winners_of: whole(draft.exclude),
    organiser: draft.organiser.trim(),
    terms: draft.terms,
    region: draft.region,
    minimum_age: whole(draft.age),
    claim_s: whole(draft.days) * 86_400,
    beacon: draft.beacon,
  };
}

/** A template as it is filled into the form. */
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
    law: plan.law_read ?? false,
    seconds: plan.seconds == null ? "" : String(plan.seconds),
    extraCommented: text(plan.weights?.commented),
    extraBought: text(plan.weights?.bought),
    extraTeam: text(plan.weights?.team),
    exclude: text(plan.exclude_winners_of),
    organiser: plan.organiser,
    terms: plan.terms ?? "",
    region: plan.region ?? "",
    age: String(plan.minimum_age ?? 18),
    days: String(Math.round((plan.claim_s ?? 604_800) / 86_400)),
    beacon: plan.beacon ?? "drand",
  };
}
