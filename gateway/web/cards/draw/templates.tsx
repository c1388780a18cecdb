/** Templates of the shop: take one, take one away, keep the form as one. */

import type { Client, DrawPlan } from "@sdk";
import { useState } from "preact/hooks";
import { strings } from "../../shared/strings";
import { Words } from "../../shared/words";
import { say } from "./host-words";
import { useDrawAct } from "./use-draw";

const text = say.templates;
const NAME_CHARS = 60;

export interface Template {
  readonly name: string;
  readonly plan: DrawPlan;
}

interface Kept {
  readonly client: Client;
  readonly templates: readonly Template[];
  readonly onChange: (templates: readonly Template[]) => void;
}

export function TakeTemplate({ client, templates, onChange, onTake }: Kept & { onTake: (plan: DrawPlan) => void }) {
  const [name, setName] = useState("");
  const [sure, setSure] = useState(false);
  const { act, busy, trouble } = useDrawAct();
  if (templates.length === 0) return null;
  const choose = (chosen: string) => {
    setName(chosen);
    setSure(false);
    const found = templates.find((each) => each.name === chosen);
    if (found) onTake(found.plan);
  };
  const remove = () =>
    void act(() => client.run({ t: "save_template", name, plan: null })).then((done) => {
      if (!done) return;
      onChange(templates.filter((each) => each.name !== name));
      choose("");
    });
  return (
    <div class="draw-template">
      <label>{say.template}
        <select value={name} onChange={(event) => choose(event.currentTarget.value)}>
          <option value="">{say.none}</option>
          {templates.map((each) => <option key={each.name} value={each.name}>{each.name}</option>)}
        </select>
      </label>
      {name && !sure && <button type="button" class="quiet" onClick={() => setSure(true)}>{text.remove}</button>}
      {sure && (
        <div class="draw-ask">
          <p><Words>{text.removeSure(name)}</Words></p>
          <div class="buttons">
            <button type="button" class="danger" disabled={busy} onClick={remove}>{text.remove}</button>
            <button type="button" class="quiet" onClick={() => setSure(false)}>{strings.cancel}</button>
          </div>
        </div>
      )}
      {trouble}
    </div>
  );
}

/** `plan`: null while the form lacks something. Not a form of its own, which cannot stand in another. */
export function KeepTemplate({ client, templates, onChange, plan }: Kept & { plan: DrawPlan | null }) {
  const [name, setName] = useState<string | null>(null);
  const [saved, setSaved] = useState<string | null>(null);
  const { act, busy, trouble } = useDrawAct();
  const keep = () => {
    const called = name?.trim();
    if (!plan || !called) return;
    void act(() => client.run({ t: "save_template", name: called, plan })).then((done) => {
      if (!done) return;
      onChange([...templates.filter((each) => each.name !== called), { name: called, plan }]);
      setSaved(called);
      setName(null);
    });
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "Enter") { event.preventDefault(); keep(); }
    if (event.key === "Escape") { event.stopPropagation(); setName(null); }
  };
  if (name === null) {
    return (
      <>
        <button type="button" class="quiet" disabled={!plan} onClick={() => { setName(plan?.title.slice(0, NAME_CHARS) ?? ""); setSaved(null); }}>{text.save}</button>
        {saved !== null && <p role="status" class="faint"><Words>{text.saved(saved)}</Words></p>}
      </>
    );
  }
  return (
    <div class="draw-ask">
      <label>{text.name}<input value={name} maxLength={NAME_CHARS} dir="auto" autofocus onInput={(event) => setName(event.currentTarget.value)} onKeyDown={key} /></label>
      {templates.some((each) => each.name === name.trim()) && <p class="faint">{text.replaces}</p>}
      <div class="buttons">
        <button type="button" class="primary" disabled={busy || !name.trim()} onClick={keep}>{text.go}</button>
        <button type="button" class="quiet" onClick={() => setName(null)}>{strings.cancel}</button>
      </div>
      {trouble}
    </div>
  );
}
