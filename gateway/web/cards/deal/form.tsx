/** The form of a group buy: a new one, or an edit of one that runs; with what viewers will read, and what is wrong. */

import type { Deal, Product } from "@sdk";
import { LIMITS } from "@sdk";
import { useState } from "preact/hooks";
import { money } from "../../shared/format";
import { strings } from "../../shared/strings";
import { Words } from "../../shared/words";
import { teamRule } from "./parts";
import { type Basis, type Draft, type Plan, percentOff, planOf } from "./plan";

const words = strings.deal;
const LIVES = [60, 120, 300, 600, 1200, 1800, 3600, 4 * 3600, 12 * 3600, 24 * 3600];
const HOLDS = [30, 60, 90, 120, 180, 300, 600];
const WINDOWS = [300, 600, 1200, 1800, 3600, 3 * 3600, 24 * 3600, 7 * 24 * 3600];

interface FormProps {
  /** To choose from; empty in an edit. */
  readonly products: readonly Product[];
  /** The deal that is edited. */
  readonly deal?: Deal;
  readonly draft: Draft;
  readonly basis: Basis | undefined;
  readonly busy: boolean;
  readonly trouble: preact.ComponentChildren;
  readonly onDraft: (draft: Draft) => void;
  readonly onPlan: (plan: Plan) => void;
  readonly onClose: () => void;
}

export function DealForm({ products, deal, draft, basis, busy, trouble, onDraft, onPlan, onClose }: FormProps) {
  const [tried, setTried] = useState(false);
  const set = (changes: Partial<Draft>) => onDraft({ ...draft, ...changes });
  const found = basis && planOf(draft, basis);
  const plan = typeof found === "object" ? found : undefined;
  const problem = typeof found === "string" && tried ? words.problems[found] : undefined;
  const text = (field: keyof Draft, label: string, more: object = {}) => (
    <label>{label}<input value={draft[field] as string} dir="auto" onInput={(event) => set({ [field]: event.currentTarget.value })} {...more} /></label>
  );
  const number = (field: keyof Draft, label: string, least: number, most: number, more: object = {}) => text(field, label, { type: "number", min: least, max: most, required: true, ...more });
  const span = (field: keyof Draft, label: string, lengths: readonly number[], none?: string) => (
    <label>{label}
      <select value={draft[field] as string} onChange={(event) => set({ [field]: event.currentTarget.value })}>
        {none !== undefined && <option value="">{none}</option>}
        {lengths.map((each) => <option key={each} value={String(each)}>{words.span(each)}</option>)}
        {draft[field] !== "" && !lengths.includes(Number(draft[field])) && <option value={draft[field] as string}>{words.span(Number(draft[field]))}</option>}
      </select>
    </label>
  );
  const submit = (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (plan && (!plan.low || draft.low)) onPlan(plan);
  };
  return (
    <form class="card form deal-form" aria-label={deal ? words.edit : words.form} onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && onClose()}>
      <h3>{deal ? <>{words.edit}: <Words>{deal.title}</Words></> : words.form}</h3>
      {deal ? <p class="faint">{words.editHint}</p> : <Goods products={products} draft={draft} set={set} />}
      {!deal && text("title", words.name, { maxLength: LIMITS.TITLE_CHARS, placeholder: products.find(({ id }) => id === draft.product)?.title ?? "" })}
      <fieldset>
        <legend>{words.steps}</legend>
        {!deal && basis && text("single", words.single, { inputMode: "decimal", placeholder: money(basis.price, basis) })}
        <Steps draft={draft} plan={plan} basis={basis} onSteps={(steps) => set({ steps })} />
      </fieldset>
      <div class="deal-row">
        {!deal && number("stock", words.stock, 1, LIMITS.UNITS_MOST)}
        {span("life", words.life, LIVES)}
        {!deal && span("window", words.window, WINDOWS, words.noEnd)}
      </div>
      <details>
        <summary>{words.more}</summary>
        <div class="deal-row">
          {span("hold", words.hold, HOLDS, deal && words.unchanged)}
          {number("perViewer", words.perViewer, 1, 100)}
          {text("leader", words.leader, { inputMode: "decimal", placeholder: "0" })}
          {number("share", words.stockShare, 1, 100, deal ? { required: false, placeholder: words.unchanged } : {})}
          {!deal && number("units", words.units, 1, LIMITS.UNITS_MOST)}
          {!deal && text("reference", words.reference, { maxLength: 64 })}
        </div>
        <label class="deal-tick"><input type="checkbox" checked={draft.newOnly} onChange={(event) => set({ newOnly: event.currentTarget.checked })} /> <span>{words.newOnlyTick}</span></label>
      </details>
      {plan && basis && <Preview plan={plan} basis={basis} life={Number(draft.life)} />}
      {plan?.low && basis && (
        <div class="deal-low" role="alert">
          <label class="deal-tick">
            <input type="checkbox" required checked={draft.low} onChange={(event) => set({ low: event.currentTarget.checked })} />
            <span>{words.low(money(plan.least, basis), money(plan.single, basis))}</span>
          </label>
        </div>
      )}
      {problem && <p class="trouble" role="alert">{problem}</p>}
      {trouble}
      <div class="buttons">
        <button type="submit" class="primary" disabled={busy || !basis}>{deal ? words.save : words.start}</button>
        <button type="button" class="quiet" onClick={onClose}>{strings.cancel}</button>
      </div>
    </form>
  );
}

function Goods({ products, draft, set }: { products: readonly Product[]; draft: Draft; set: (changes: Partial<Draft>) => void }) {
  const variants = products.find(({ id }) => id === draft.product)?.variants ?? [];
  if (products.length === 0) return <p class="deal-note">{words.noProducts}</p>;
  return (
    <>
      <label>{words.product}
        <select value={draft.product} onChange={(event) => set({ product: event.currentTarget.value, variant: "" })} required autofocus>
          {products.map((each) => <option key={each.id} value={each.id}>{each.title} · {money(each.price, each)}</option>)}
        </select>
      </label>
      {variants.length > 0 && (
        <label>{words.variant}
          <select value={draft.variant} onChange={(event) => set({ variant: event.currentTarget.value })}>
            <option value="">{words.noVariant}</option>
            {variants.map(({ id, title }) => <option key={id} value={id}>{title}</option>)}
          </select>
        </label>
      )}
    </>
  );
}

interface StepsProps {
  readonly draft: Draft;
  readonly plan: Plan | undefined;
  readonly basis: Basis | undefined;
  readonly onSteps: (steps: Draft["steps"]) => void;
}

function Steps({ draft: { steps }, plan, basis, onSteps }: StepsProps) {
  const change = (at: number, changes: Partial<Draft["steps"][number]>) => onSteps(steps.map((step, place) => (place === at ? { ...step, ...changes } : step)));
  const last = Number(steps[steps.length - 1]?.people ?? 2);
  return (
    <>
      {steps.map((step, at) => {
        const meant = plan?.steps[at];
        return (
          <div class="deal-step" key={at}>
            <label>{words.stepPeople}<input type="number" min={LIMITS.TEAM_LEAST} max={LIMITS.TEAM_MOST} value={step.people} required onInput={(event) => change(at, { people: event.currentTarget.value })} /></label>
            <label>{words.stepPrice}<input inputMode="decimal" value={step.price} required onInput={(event) => change(at, { price: event.currentTarget.value })} /></label>
            <span class="faint">{plan && basis && meant ? `${money(meant.price, basis)} · ${words.off(percentOff(meant.price, plan.single))}` : ""}</span>
            {steps.length > 1 && <button type="button" class="quiet" aria-label={words.dropStep(step.people)} onClick={() => onSteps(steps.filter((_, place) => place !== at))}>×</button>}
          </div>
        );
      })}
      {last < LIMITS.TEAM_MOST && <button type="button" class="quiet" onClick={() => onSteps([...steps, { people: String(last + 1), price: "" }])}>{words.addStep}</button>}
    </>
  );
}

function Preview({ plan, basis, life }: { plan: Plan; basis: Basis; life: number }) {
  return (
    <aside class="deal-preview" aria-label={words.preview}>
      <p class="card-title">{words.preview}</p>
      <p>{plan.steps.map(({ people, price }) => `${words.people(people)}: ${money(price, basis)}`).join(" · ")} · <s>{words.alone(money(plan.single, basis))}</s></p>
      <p class="faint">{teamRule(plan.steps, life)} {words.promise(money(plan.steps[0]?.price ?? 0, basis))}</p>
    </aside>
  );
}
