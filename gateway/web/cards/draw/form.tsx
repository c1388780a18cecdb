/** The form that sets up a draw: prizes, who may enter, for how long, what decides; with what viewers will read. */

import type { BeaconKind, DrawPlan } from "@sdk";
import { useState } from "preact/hooks";
import { money } from "../../shared/format";
import { strings } from "../../shared/strings";
import { Words } from "../../shared/words";
import { type Draft, draftOf, favoursBuyers, LENGTHS, planOf, TIER } from "./plan";
import { words } from "./words";

const say = words.host;

export interface Setup {
  readonly templates: readonly { readonly name: string; readonly plan: DrawPlan }[];
  readonly organiser: string;
  readonly drand: boolean;
  readonly teams: boolean;
  readonly rehearsal: boolean;
}

interface FormProps {
  readonly setup: Setup;
  readonly first: Draft;
  readonly busy: boolean;
  readonly mayStart: boolean;
  readonly trouble: preact.ComponentChildren;
  readonly onPlan: (plan: DrawPlan, what: "start" | "queue" | "save") => void;
  readonly onClose: () => void;
}

export function DrawForm({ setup, first, busy, mayStart, trouble, onPlan, onClose }: FormProps) {
  const [draft, setDraft] = useState(first);
  const set = (changes: Partial<Draft>) => setDraft({ ...draft, ...changes });
  const plan = planOf(draft);
  const text = (field: keyof Draft, label: string, more: object = {}) => (
    <label>{label}<input value={draft[field] as string} dir="auto" onInput={(event) => set({ [field]: event.currentTarget.value })} {...more} /></label>
  );
  const number = (field: keyof Draft, label: string, most: number, least = 0) => text(field, label, { type: "number", min: least, max: most });
  const tick = (field: keyof Draft, label: string) => (
    <label class="draw-tick"><input type="checkbox" checked={draft[field] as boolean} onChange={(event) => set({ [field]: event.currentTarget.checked })} /> <span>{label}</span></label>
  );
  const submit = (event: Event) => {
    event.preventDefault();
    if (plan) onPlan(plan, mayStart ? "start" : "queue");
  };
  return (
    <form class="card form draw-form" aria-label={words.label} onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && onClose()}>
      {setup.templates.length > 0 && (
        <label>{say.template}
          <select onChange={(event) => {
            const found = setup.templates.find((each) => each.name === event.currentTarget.value);
            if (found) setDraft(draftOf(found.plan));
          }}>
            <option value="">{say.none}</option>
            {setup.templates.map(({ name }) => <option key={name} value={name}>{name}</option>)}
          </select>
        </label>
      )}
      {text("title", say.name, { placeholder: say.placeholder, maxLength: 200, required: true, autofocus: true })}
      <fieldset>
        <legend>{say.prizes}</legend>
        {draft.tiers.map((tier, place) => {
          const change = (changes: Partial<typeof tier>) => set({ tiers: draft.tiers.map((each, at) => (at === place ? { ...each, ...changes } : each)) });
          return (
            <div class="draw-tier" key={place}>
              <label>{say.tier}<input value={tier.tier} dir="auto" maxLength={100} onInput={(event) => change({ tier: event.currentTarget.value })} /></label>
              <label class="wide">{say.prize}<input value={tier.name} dir="auto" maxLength={200} required onInput={(event) => change({ name: event.currentTarget.value })} /></label>
              <label>{say.quantity}<input type="number" min={1} max={200} value={tier.quantity} onInput={(event) => change({ quantity: event.currentTarget.value })} /></label>
              <label>{say.value}<input type="number" min={0} step="any" value={tier.value} required onInput={(event) => change({ value: event.currentTarget.value })} /></label>
              {draft.tiers.length > 1 && <button type="button" class="quiet" aria-label={say.removeTier(place + 1)} onClick={() => set({ tiers: draft.tiers.filter((_, at) => at !== place) })}>×</button>}
            </div>
          );
        })}
        <div class="draw-row">
          {text("currency", say.currency, { maxLength: 3, pattern: "[A-Z]{3}" })}
          {draft.tiers.length < 10 && <button type="button" class="quiet" onClick={() => set({ tiers: [...draft.tiers, { ...TIER, tier: "" }] })}>{say.addTier}</button>}
        </div>
      </fieldset>
      <div class="draw-row">
        <label>{say.how}
          <select value={draft.entry} onChange={(event) => set({ entry: event.currentTarget.value as Draft["entry"] })}>
            <option value="click">{say.byClick}</option>
            <option value="password">{say.byPassword}</option>
          </select>
        </label>
        {draft.entry === "password" && text("password", say.password, { maxLength: 40, required: true })}
        <label>{say.length}
          <select value={draft.seconds} onChange={(event) => set({ seconds: event.currentTarget.value })}>
            {LENGTHS.map((length) => <option key={length} value={String(length)}>{length} s</option>)}
            <option value="">{say.hand}</option>
          </select>
        </label>
      </div>
      <fieldset>
        <legend>{say.needs}</legend>
        {tick("commented", say.commented)}
        {tick("bought", say.bought)}
        {setup.teams && tick("team", say.team)}
        {number("watched", say.watched, 86_400)}
      </fieldset>
      {favoursBuyers(draft) && <div class="draw-law" role="alert">{tick("law", say.law)}</div>}
      {text("organiser", say.organiser, { maxLength: 200, required: true })}
      <label>{say.beacon}
        <select value={draft.beacon} onChange={(event) => set({ beacon: event.currentTarget.value as BeaconKind })}>
          <option value="drand" disabled={!setup.drand}>{say.beacons.drand}</option>
          <option value="cohosts">{say.beacons.cohosts}</option>
          {setup.rehearsal && <option value="recorded">{say.beacons.recorded}</option>}
        </select>
        {!setup.drand && <span class="faint">{say.noDrand}</span>}
      </label>
      <details>
        <summary>{say.more}</summary>
        <div class="draw-more">
          {number("extraCommented", say.extra.commented, 100)}
          {number("extraBought", say.extra.bought, 100)}
          {setup.teams && number("extraTeam", say.extra.team, 100)}
          {number("exclude", say.exclude, 100)}
          {text("region", say.region, { maxLength: 200 })}
          {number("age", say.age, 120)}
          {number("days", say.claim, 90, 1)}
          {text("terms", say.terms, { maxLength: 2000 })}
        </div>
      </details>
      {plan && <Preview plan={plan} />}
      <div class="buttons">
        {mayStart && <button type="submit" class="primary" disabled={busy || !plan}>{say.start}</button>}
        <button type="button" class={mayStart ? "quiet" : "primary"} disabled={busy || !plan} onClick={() => plan && onPlan(plan, "queue")}>{say.queue}</button>
        <button type="button" class="quiet" disabled={busy || !plan} onClick={() => plan && onPlan(plan, "save")}>{say.save}</button>
        <button type="button" class="quiet" onClick={onClose}>{strings.cancel}</button>
      </div>
      {trouble}
    </form>
  );
}

function Preview({ plan }: { plan: DrawPlan }) {
  const first = plan.prizes;
  return (
    <aside class="draw-preview" aria-label={say.preview}>
      <p class="card-title">{say.preview}</p>
      <p><b><Words>{plan.title}</Words></b></p>
      <p><Words>{first.map((prize) => `${words.prize(prize.name, prize.quantity ?? 1)} (${money(prize.value, prize)})`).join(", ")}</Words></p>
      <p>{words.who(words.needs(plan.needs ?? {}))} {words.beacons[plan.beacon ?? "drand"]}</p>
      <p class="faint">{words.organiser}: <Words>{plan.organiser}</Words>. {words.age} {plan.minimum_age}. {words.claimTime}: {words.days(plan.claim_s ?? 0)}. {say.fixed}</p>
    </aside>
  );
}

