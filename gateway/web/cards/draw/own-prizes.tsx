/** What this viewer won: it stays until it is claimed or its time is over, whatever draw is on meanwhile. */

import type { Client, OwnDraw } from "@sdk";
import { useState } from "preact/hooks";
import { Close, Gift } from "../../shared/icons";
import { useTicks } from "../../shared/room";
import { strings } from "../../shared/strings";
import { Words } from "../../shared/words";
import type { CardProps } from "../registry";
import { away, putAway } from "./away";
import { useDrawAct } from "./use-draw";
import { day, moment } from "./when";
import { words } from "./words";

const say = words.won;
const FIELDS = ["name", "address", "email", "phone", "note"] as const;
const AUTOCOMPLETE = { name: "name", address: "street-address", email: "email", phone: "tel", note: "off" } as const;
const KEYBOARD = { name: "text", address: "text", email: "email", phone: "tel", note: "text" } as const;
const LONG = ["address", "note"];

export function OwnPrizes({ client, state }: CardProps) {
  const [gone, setGone] = useState(away);
  const won = state.ownDraws.filter((own) => own.prize != null && !(own.claimed && gone.includes(own.draw)));
  useTicks(won.some(({ claimed }) => !claimed), 1000);
  const standing = won.filter((own) => own.claimed || (own.claim_until ?? 0) > client.now());
  if (standing.length === 0) return null;
  return (
    <section class="card draw-prizes-won" aria-label={say.label}>
      {standing.map((own) => <Won key={own.draw} client={client} own={own} onAway={() => setGone(putAway(own.draw))} />)}
    </section>
  );
}

function Won({ client, own, onAway }: { client: Client; own: OwnDraw; onAway: () => void }) {
  const [asking, setAsking] = useState<"claim" | "decline" | null>(null);
  const { act, busy, trouble } = useDrawAct();
  return (
    <article class="draw-won">
      <p class="draw-yes" role="status"><Gift /> <Words>{say.title(own.prize_title ?? "")}</Words></p>
      <p class="faint">
        <Words>{say.of(own.title ?? "")}</Words>{!own.claimed && own.claim_until != null && <>. {say.by(moment(own.claim_until))}</>}
      </p>
      {own.claimed ? (
        <>
          <p>{own.delete_at == null ? say.handed : say.claimed}{own.delete_at != null && <> <span class="faint">{say.deleted(day(own.delete_at))}</span></>}</p>
          <button type="button" class="quiet draw-hide" aria-label={say.done} onClick={onAway}><Close /></button>
        </>
      ) : (
        <>
          {asking === "claim" && <ClaimForm client={client} own={own} onBack={() => setAsking(null)} />}
          {asking === "decline" && (
            <div class="draw-ask">
              <p>{say.declineSure}</p>
              <div class="buttons">
                <button type="button" class="danger" disabled={busy} onClick={() => act(() => client.run({ t: "decline_prize", draw: own.draw }))}>{say.declineGo}</button>
                <button type="button" class="quiet" onClick={() => setAsking(null)}>{strings.cancel}</button>
              </div>
            </div>
          )}
          {asking === null && (
            <div class="buttons">
              <button type="button" class="primary" onClick={() => setAsking("claim")}>{say.claim}</button>
              <button type="button" class="quiet" onClick={() => setAsking("decline")}>{say.decline}</button>
            </div>
          )}
        </>
      )}
      {trouble}
    </article>
  );
}

function ClaimForm({ client, own, onBack }: { client: Client; own: OwnDraw; onBack: () => void }) {
  const { act, busy, trouble } = useDrawAct();
  const [form, setForm] = useState<Readonly<Record<string, string>>>({});
  const submit = (event: Event) => {
    event.preventDefault();
    void act(() => client.run({ t: "claim_prize", draw: own.draw, form: { name: "", ...form }, receipt: own.receipt ?? null }));
  };
  return (
    <form onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && onBack()}>
      {FIELDS.map((field) => (
        <label key={field}>{say.fields[field]}
          <input value={form[field] ?? ""} maxLength={LONG.includes(field) ? 500 : 200} dir="auto" required={field === "name"} autofocus={field === "name"}
            inputMode={KEYBOARD[field]} autocomplete={AUTOCOMPLETE[field]}
            onInput={(event) => setForm({ ...form, [field]: event.currentTarget.value })} />
        </label>
      ))}
      <p class="faint">{say.forShop}</p>
      <div class="buttons">
        <button type="submit" class="primary" disabled={busy || !form["name"]?.trim()}>{say.send}</button>
        <button type="button" class="quiet" onClick={onBack}>{strings.cancel}</button>
      </div>
      {trouble}
    </form>
  );
}
