/** Settings: what an operator decides about a room: its name, how much is shown, the video's delay, rules while nobody is on duty. */

import type { Policy } from "@sdk";
import { useState } from "preact/hooks";
import { useAct } from "../shared/act";
import { Folded } from "./desk/folded";
import { settings as words } from "./desk/words";
import type { Card, CardProps } from "./registry";

function ForHost({ client, state }: CardProps) {
  const policy = state.desk?.policy;
  if (client.me?.role !== "operator" || !policy) return null;
  return <Folded begin={words.begin} label={words.label} close={words.close}>{() => <Form client={client} state={state} policy={policy} />}</Folded>;
}

function Form({ client, state, policy }: CardProps & { policy: Policy }) {
  const { act, busy, trouble } = useAct();
  const [saved, setSaved] = useState(false);
  const save = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const number = (name: string) => Number(form.get(name));
    setSaved(false);
    void act(() => client.run({
      t: "set_room",
      title: String(form.get("title")).trim(),
      display_per_s: number("display"),
      video_delay_s: number("delay"),
      reports_to_hold: number("reports"),
      unattended_after_s: number("after"),
      unattended_slow_mode_s: number("slow"),
      unattended_links: form.has("links"),
      unattended_hold_reported: form.has("hold"),
    })).then(setSaved);
  };
  return (
    <form onSubmit={save} onInput={() => setSaved(false)}>
      <label>{words.title}<input name="title" defaultValue={state.title} required maxLength={100} dir="auto" autofocus /></label>
      <Amount name="display" label={words.display} hint={words.displayHint} value={policy.display_per_s ?? ""} least={0.1} most={1000} step={0.1} required={false} />
      <Amount name="delay" label={words.delay} hint={words.delayHint} value={state.videoDelayMs / 1000} most={120} step={0.1} />
      <Amount name="reports" label={words.reports} hint={words.reportsHint} value={policy.reports_to_hold ?? 3} most={1000} />
      <fieldset>
        <legend>{words.unattended}</legend>
        <Amount name="after" label={words.after} hint={words.afterHint} value={policy.unattended_after_s ?? 180} most={86_400} />
        <Amount name="slow" label={words.slow} value={policy.unattended_slow_mode_s ?? 30} most={120} />
        <label class="check"><input type="checkbox" name="links" defaultChecked={policy.unattended_links ?? false} /> {words.links}</label>
        <label class="check"><input type="checkbox" name="hold" defaultChecked={policy.unattended_hold_reported ?? true} /> {words.hold}</label>
      </fieldset>
      <button type="submit" class="primary" disabled={busy}>{words.save}</button>
      {saved && <span role="status">{words.saved}</span>}
      {trouble}
    </form>
  );
}

interface AmountProps {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  readonly value: number | string;
  readonly least?: number;
  readonly most: number;
  readonly step?: number;
  readonly required?: boolean;
}

function Amount({ name, label, hint, value, least = 0, most, step = 1, required = true }: AmountProps) {
  return (
    <label>{label}
      <input type="number" name={name} defaultValue={String(value)} min={least} max={most} step={step} required={required} />
      {hint && <span class="faint">{hint}</span>}
    </label>
  );
}

export default { id: "settings", order: 91, host: ForHost } satisfies Card;
