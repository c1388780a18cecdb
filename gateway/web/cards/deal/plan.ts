/** Plan: what the form of a group buy holds, what is wrong with it, and the command it makes. Pure. */

import type { Deal, DealStep, Product, Unnumbered } from "@sdk";
import { LIMITS } from "@sdk";

/** As typed. */
export interface Draft {
  readonly product: string;
  readonly variant: string;
  readonly title: string;
  /** The shop's own number of it. */
  readonly reference: string;
  readonly single: string;
  readonly steps: readonly { readonly people: string; readonly price: string }[];
  readonly units: string;
  readonly stock: string;
  /** Seconds; empty: without an end, or in an edit as it is. */
  readonly window: string;
  readonly life: string;
  readonly hold: string;
  readonly perViewer: string;
  readonly leader: string;
  readonly share: string;
  readonly newOnly: boolean;
  /** Yes, so low a price is meant. */
  readonly low: boolean;
}

export type Problem = "price" | "single" | "people" | "falling" | "alone" | "leader" | "stock";

/** What the form comes to, in minor units. */
export interface Plan {
  readonly single: number;
  readonly steps: readonly DealStep[];
  readonly leader: number;
  /** What the leader of a full team pays: nobody pays less. */
  readonly least: number;
  /** It is below half of the single price: it must be confirmed. */
  readonly low: boolean;
}

/** What a seat costs alone, before the form says otherwise, and in which money. */
export interface Basis {
  readonly price: number;
  readonly currency: string;
  readonly exponent: number;
}

export const FRESH: Draft = {
  product: "", variant: "", title: "", reference: "", single: "", steps: [{ people: "3", price: "" }], units: "1", stock: "100", window: "1200", life: "600",
  hold: String(LIMITS.HOLD_S), perViewer: "1", leader: "", share: String(LIMITS.TEAM_SHARE_PERCENT), newOnly: false, low: false,
};

/** The rules of a deal, to be edited; what viewers are not told stays as it is. */
export function draftOf({ product, variant, title, stock, terms, exponent = 2 }: Deal): Draft {
  return {
    ...FRESH, product, variant: variant ?? "", title, stock: String(stock), window: "", hold: "", share: "",
    single: plain(terms.single_price, exponent),
    steps: terms.steps.map(({ people, price }) => ({ people: String(people), price: plain(price, exponent) })),
    units: String(terms.units ?? 1), life: String(terms.life_s), perViewer: String(terms.per_viewer ?? 1),
    leader: terms.leader_discount ? plain(terms.leader_discount, exponent) : "", newOnly: terms.new_only ?? false,
  };
}

/** 1250 → "12.50". */
export const plain = (amount: number, exponent: number) => (amount / 10 ** exponent).toFixed(exponent);

/** "12.5" or "12,50" → 1250; null: not an amount, or finer than the currency. */
export function minor(text: string, exponent: number): number | null {
  const found = /^(\d{1,12})(?:[.,](\d*))?$/.exec(text.trim());
  const [, whole = "", part = ""] = found ?? [];
  return found && part.length <= exponent ? Number(whole) * 10 ** exponent + Number(part.padEnd(exponent, "0") || 0) : null;
}

/** "−20 %" → a fifth off, rounded down: the remainder is the buyer's. */
export function price(text: string, single: number, exponent: number): number | null {
  const percent = /^[-−–]?\s*(\d{1,2})\s*%$/.exec(text.trim());
  return percent ? Math.floor((single * (100 - Number(percent[1]))) / 100) : minor(text, exponent);
}

/** How much cheaper than alone, in whole percent, rounded down: never more than is true. */
export const percentOff = (cost: number, single: number) => (single > 0 ? Math.max(0, Math.floor(((single - cost) * 100) / single)) : 0);

/** What a seat costs alone in the shop, as far as the form says. */
export function basisOf(draft: Draft, product: Product | undefined): Basis | undefined {
  if (!product) return undefined;
  const variant = product.variants?.find(({ id }) => id === draft.variant);
  return { price: (variant?.price ?? product.price) * Math.max(1, Number(draft.units)), currency: product.currency, exponent: product.exponent ?? 2 };
}

/** Check what was typed as the server will. */
export function planOf(draft: Draft, basis: Basis): Plan | Problem {
  const { exponent } = basis;
  const single = draft.single.trim() ? minor(draft.single, exponent) : basis.price;
  if (!single) return "single";
  const steps = draft.steps.map((step) => ({ people: Number(step.people), price: price(step.price, single, exponent) ?? 0 }));
  const leader = draft.leader.trim() ? minor(draft.leader, exponent) : 0;
  const first = steps[0];
  const last = steps[steps.length - 1];
  if (!first || !last || steps.some((step) => step.price <= 0)) return "price";
  if (steps.some(({ people }, at) => !(people >= LIMITS.TEAM_LEAST && people <= LIMITS.TEAM_MOST && people > (steps[at - 1]?.people ?? 0)))) return "people";
  if (steps.some((step, at) => at > 0 && step.price >= (steps[at - 1]?.price ?? 0))) return "falling";
  if (first.price >= single) return "alone";
  if (leader === null || leader >= last.price) return "leader";
  if (draft.share && Math.floor((Number(draft.stock) * Number(draft.share)) / 100) < last.people * Number(draft.units)) return "stock";
  const least = last.price - leader;
  return { single, steps, leader, least, low: least * 2 < single };
}

/** The command that opens it. */
export function openDeal(draft: Draft, plan: Plan): Unnumbered {
  return {
    t: "open_deal", product: draft.product, steps: [...plan.steps], stock: Number(draft.stock), units: Number(draft.units), leader_discount: plan.leader,
    life_s: Number(draft.life), hold_s: Number(draft.hold), per_viewer: Number(draft.perViewer), share: Number(draft.share), new_only: draft.newOnly,
    low_price: draft.low,
    ...(draft.variant && { variant: draft.variant }),
    ...(draft.title.trim() && { title: draft.title.trim() }),
    ...(draft.reference.trim() && { reference: draft.reference.trim() }),
    ...(draft.single.trim() && { single_price: plan.single }),
    ...(draft.window && { closes_in_s: Number(draft.window) }),
  };
}

/** The command that edits it. */
export function changeDeal(deal: string, draft: Draft, plan: Plan): Unnumbered {
  return {
    t: "change_deal", deal, steps: [...plan.steps], leader_discount: plan.leader, life_s: Number(draft.life), per_viewer: Number(draft.perViewer),
    new_only: draft.newOnly, low_price: draft.low,
    ...(draft.hold && { hold_s: Number(draft.hold) }),
    ...(draft.share && { share: Number(draft.share) }),
  };
}
