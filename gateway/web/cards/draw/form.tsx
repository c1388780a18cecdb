/** The form that sets up a draw: prizes, who may enter, for how long, what decides; with what viewers will read. */

import type { BeaconKind, Client, DrawPlan } from "@sdk";
import { useState } from "preact/hooks";
import { money } from "../../shared/format";
import { strings } from "../../shared/strings";
import { Words } from "../../shared/words";
import { type Editing, Num, Text, Tick } from "./fields";
import { Tiers } from "./form-prizes";
import { say } from "./host-words";
import { type Draft, draftOf, favoursBuyers, LEAST_S, MOST_S, missing, planOf } from "./plan";
import { KeepTemplate, TakeTemplate, type Template } from "./templates";
import { words } from "./words";

export interface Setup {
  readonly templates: readonly Template[];
  readonly organiser: string;
  readonly drand: boolean;
  readonly teams: boolean;
  readonly rehearsal: boolean;
}

interface FormProps {
  readonly client: Client;
  readonly setup: Setup;
  readonly first: Draft;
  readonly busy: boolean;
  readonly mayStart: boolean;
  readonly trouble: preact.ComponentChildren;
  readonly onPlan: (plan: DrawPlan, what: "start" | "queue") => void;
  readonly onClose: () => void;
}

export function DrawForm({ client, setup, first, busy, mayStart, trouble, onPlan, onClose }: FormProps) {
  const [draft, setDraft] = useState(first);
  const [templates, setTemplates] = useState(setup.templates);
  const set = (changes: Partial<Draft>) => setDraft((before) => ({ ...before, ...changes }));
  const lacks = missing(draft);
  const plan = lacks.length === 0 ? planOf(draft) : null;
  const editing = { draft, set };
  const keeping = { client, templates, onChange: setTemplates };
  const submit = (event: Event) => {
    event.preventDefault();
    if (plan) onPlan(plan, mayStart ? "start" : "queue");
  };
  return (
    <form class="card form draw-form" aria-label={say.form} onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && onClose()}>
      <TakeTemplate {...keeping} onTake={(taken) => setDraft(draftOf(taken))} />
      <Text {...editing} field="title" label={say.name} placeholder={say.placeholder} maxLength={200} required autofocus />
      <Tiers {...editing} />
      <Entering {...editing} />
      <Needs {...editing} teams={setup.teams} />
      <Chances {...editing} teams={setup.teams} />
      {favoursBuyers(draft) && <div class="draw-law" role="alert"><Tick {...editing} field="law" label={say.law} /></div>}
      <Terms {...editing} />
      <Decides {...editing} setup={setup} />
      {plan && <Preview plan={plan} />}
      {lacks.length > 0 && <p class="faint" role="status">{say.missing}: {lacks.map((each) => say.missingOf[each]).join(", ")}.</p>}
      <div class="buttons">
        {mayStart && <button type="submit" class="primary" disabled={busy || !plan}>{say.start}</button>}
        <button type={mayStart ? "button" : "submit"} class={mayStart ? "quiet" : "primary"} disabled={busy || !plan} onClick={() => mayStart && plan && onPlan(plan, "queue")}>{say.queue}</button>
        <KeepTemplate {...keeping} plan={plan} />
        <button type="button" class="quiet" onClick={onClose}>{strings.cancel}</button>
      </div>
      {trouble}
    </form>
  );
}

function Entering({ draft, set }: Editing) {
  return (
    <div class="draw-row">
      <label>{say.how}
        <select value={draft.entry} onChange={(event) => set({ entry: event.currentTarget.value as Draft["entry"] })}>
          <option value="click">{say.byClick}</option>
          <option value="password">{say.byPassword}</option>
        </select>
      </label>
      {draft.entry === "password" && <Text draft={draft} set={set} field="password" label={say.password} maxLength={40} required />}
      <Num draft={draft} set={set} field="seconds" label={say.length} least={LEAST_S} most={MOST_S} disabled={draft.byHand} />
      <Tick draft={draft} set={set} field="byHand" label={say.hand} />
    </div>
  );
}

function Needs({ teams, ...editing }: Editing & { teams: boolean }) {
  return (
    <fieldset>
      <legend>{say.needs}</legend>
      <Tick {...editing} field="commented" label={say.commented} />
      {teams && <Tick {...editing} field="team" label={say.team} />}
      <Tick {...editing} field="bought" label={say.bought} />
      <div class="draw-row">
        <Num {...editing} field="watched" label={say.watched} most={86_400} />
        <Num {...editing} field="exclude" label={say.exclude} most={100} />
      </div>
    </fieldset>
  );
}

const MOST_EXTRA = 100;

function Chances({ teams, ...editing }: Editing & { teams: boolean }) {
  return (
    <details class="draw-more">
      <summary>{say.chances}</summary>
      <p class="faint">{say.chancesHint}</p>
      <div class="draw-row">
        <Num {...editing} field="extraCommented" label={say.extra.commented} most={MOST_EXTRA} />
        {teams && <Num {...editing} field="extraTeam" label={say.extra.team} most={MOST_EXTRA} />}
        <Num {...editing} field="extraBought" label={say.extra.bought} most={MOST_EXTRA} />
      </div>
      <div class="draw-row">
        <Num {...editing} field="extraWatched" label={say.watchedExtra} most={MOST_EXTRA} />
        <Num {...editing} field="watchedStep" label={say.watchedStep} least={1} most={86_400} />
        <Num {...editing} field="watchedMost" label={say.watchedMost} most={MOST_EXTRA} />
      </div>
    </details>
  );
}

function Terms(editing: Editing) {
  const { draft, set } = editing;
  return (
    <fieldset>
      <legend>{say.fair}</legend>
      <Text {...editing} field="organiser" label={say.organiser} maxLength={200} required />
      <div class="draw-row">
        <Num {...editing} field="age" label={say.age} most={120} />
        <Num {...editing} field="days" label={say.claim} least={1} most={90} />
      </div>
      <Text {...editing} field="region" label={say.region} maxLength={200} />
      <label>{say.terms}<textarea rows={2} value={draft.terms} maxLength={2000} dir="auto" onInput={(event) => set({ terms: event.currentTarget.value })} /></label>
    </fieldset>
  );
}

function Decides({ draft, set, setup }: Editing & { setup: Setup }) {
  return (
    <label>{say.beacon}
      <select value={draft.beacon} onChange={(event) => set({ beacon: event.currentTarget.value as BeaconKind })}>
        <option value="drand" disabled={!setup.drand}>{say.beacons.drand}</option>
        <option value="cohosts">{say.beacons.cohosts}</option>
        {setup.rehearsal && <option value="recorded">{say.beacons.recorded}</option>}
      </select>
      {!setup.drand && <span class="faint">{say.noDrand}</span>}
      {draft.beacon === "cohosts" && <span class="faint">{say.moreCohosts}</span>}
    </label>
  );
}

function Preview({ plan }: { plan: DrawPlan }) {
  const wait = plan.exclude_winners_of ?? 0;
  return (
    <aside class="draw-preview" aria-label={say.preview}>
      <p class="card-title">{say.preview}</p>
      <p><b><Words>{plan.title}</Words></b></p>
      <p><Words>{plan.prizes.map((prize) => `${words.prize(prize.name, prize.quantity ?? 1)} (${money(prize.value, prize)})`).join(", ")}</Words></p>
      <p>{words.who(words.needs(plan.needs ?? {}))} {wait > 0 && words.waits(wait)} {words.beacons[plan.beacon ?? "drand"]}</p>
      <p class="faint">{words.organiser}: <Words>{plan.organiser}</Words>. {words.age} {plan.minimum_age}. {words.claimTime}: {words.lasting(plan.claim_s ?? 0)}. {say.fixed}</p>
    </aside>
  );
}
