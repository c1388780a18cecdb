/** A draw on the viewer page: one tap, or the password; then count, clock, winners, one's prize, and checking it all. */

import { type Draw, ownIn } from "@sdk";
import { useState } from "preact/hooks";
import { Check, Close } from "../../shared/icons";
import { Words } from "../../shared/words";
import type { CardProps } from "../registry";
import { CheckLink, Ended, Prizes, prizeName, Progress, Rules, Winners } from "./told";
import { current, useDrawAct, useKeeping } from "./use-draw";
import { words } from "./words";

export function ForViewer({ client, state }: CardProps) {
  const draw = current(state);
  const [hidden, setHidden] = useState<string | null>(null);
  useKeeping(client, draw, state);
  const own = ownIn(state.ownDraws, draw?.id);
  if (!draw || hidden === draw.id) return null;
  const over = !["open", "closed"].includes(draw.state);
  return (
    <section class={`card draw ${draw.state}`} aria-label={words.label}>
      <div class="draw-body">
        <p class="card-title">{words.title}</p>
        <h3><Words>{draw.title}</Words></h3>
        {!over && <Prizes draw={draw} />}
        <Progress client={client} state={state} draw={draw} />
        {draw.state === "open" && (own?.receipt ? null : <Entry client={client} draw={draw} state={state} />)}
        {own?.receipt && !over && (
          <details class="draw-receipt">
            <summary><Check /> {words.youAreIn} <span class="faint">{words.receipt}</span></summary>
            <p>{words.receiptText(own.receipt.weight)}</p>
            <p class="faint">{words.entry} <code>{own.receipt.entry_id}</code></p>
          </details>
        )}
        {own?.prize != null && <Prize client={client} draw={draw} state={state} />}
        <Winners draw={draw} mine={own?.receipt?.entry_id} />
        <Ended draw={draw} />
        <Rules draw={draw} />
        <CheckLink draw={draw} />
      </div>
      {over && <button type="button" class="quiet draw-hide" aria-label={words.hide} onClick={() => setHidden(draw.id)}><Close /></button>}
    </section>
  );
}

function Entry({ client, draw }: CardProps & { draw: Draw }) {
  const { act, busy, trouble } = useDrawAct();
  const role = client.me?.role;
  if (role === "anonymous") return <p class="faint">{words.signIn}</p>;
  if (role !== undefined && role !== "viewer") return <p class="faint">{words.staff}</p>;
  if (draw.entry === "password") {
    return (
      <div class="draw-enter">
        <p><Words>{words.write(draw.password ?? "")}</Words></p>
        <button type="button" class="primary" disabled={busy} onClick={() => act(() => client.comment(draw.password ?? ""))}>{words.send}</button>
        {trouble}
      </div>
    );
  }
  return (
    <div class="draw-enter">
      <button type="button" class="primary" disabled={busy} onClick={() => act(() => client.run({ t: "enter_draw", draw: draw.id }))}>{words.enter}</button>
      {trouble}
    </div>
  );
}

const FIELDS = ["name", "address", "email", "phone", "note"] as const;

function Prize({ client, draw, state }: CardProps & { draw: Draw }) {
  const own = ownIn(state.ownDraws, draw.id);
  const { act, busy, trouble } = useDrawAct();
  const [asking, setAsking] = useState(false);
  const [done, setDone] = useState(own?.claimed ?? false);
  const [form, setForm] = useState<Record<string, string>>({});
  if (!own || own.prize == null) return null;
  const submit = (event: Event) => {
    event.preventDefault();
    const receipt = own.receipt ?? null;
    void act(() => client.run({ t: "claim_prize", draw: draw.id, form: { name: "", ...form }, receipt })).then((went) => went && setDone(true));
  };
  return (
    <div class="draw-won" role="status">
      <p class="draw-yes">🎉 <Words>{words.won(prizeName(draw, own.prize))}</Words></p>
      {done || own.claimed ? (
        <p>{words.claimed}</p>
      ) : asking ? (
        <form class="form" onSubmit={submit}>
          {FIELDS.map((field) => (
            <label key={field}>{words.claimFields[field]}
              <input value={form[field] ?? ""} maxLength={200} dir="auto" required={field === "name"} autocomplete={field === "address" ? "street-address" : field === "phone" ? "tel" : field === "note" ? "off" : field}
                onInput={(event) => setForm({ ...form, [field]: event.currentTarget.value })} />
            </label>
          ))}
          <p class="faint">{words.claimDeleted}</p>
          <button type="submit" class="primary" disabled={busy}>{words.claim}</button>
        </form>
      ) : (
        <>
          {own.claim_until != null && <p class="faint">{words.claimBy(new Date(own.claim_until).toLocaleString())}</p>}
          <button type="button" class="primary" onClick={() => setAsking(true)}>{words.claim}</button>
        </>
      )}
      {trouble}
    </div>
  );
}
