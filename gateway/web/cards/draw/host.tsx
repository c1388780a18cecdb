/** A draw on the host page: set up, start, follow, close, call off; and those that wait. */

import type { Announced, BeaconKind, Draw, DrawPlan } from "@sdk";
import { useState } from "preact/hooks";
import { api } from "../../shared/api";
import { roomOfPage } from "../../shared/session";
import { strings } from "../../shared/strings";
import { Words } from "../../shared/words";
import type { CardProps } from "../registry";
import { DrawForm, type Setup } from "./form";
import { type Draft, fresh } from "./plan";
import { CheckLink, Ended, Prizes, Progress, Rules, Winners } from "./told";
import { commit, current, keptSecret, PARTY, useDrawAct, useRevealing, waiting } from "./use-draw";
import { words } from "./words";

const say = words.host;
const TALKING = ["warm_up", "live", "paused"];

export function ForHost({ client, state }: CardProps) {
  const draw = current(state);
  const { act, busy, trouble } = useDrawAct();
  const [form, setForm] = useState<{ setup: Setup; first: Draft } | null>(null);
  const [saved, setSaved] = useState(false);
  useRevealing(client, draw);
  const active = draw?.state === "open" || draw?.state === "closed";
  const mayStart = !active && !state.freezing && TALKING.includes(state.show?.state ?? "");
  const begin = () =>
    act(async () => {
      const setup = await api<Setup>("GET", `/v1/rooms/${roomOfPage()}/draw_setup`);
      const beacon: BeaconKind = setup.drand ? "drand" : "cohosts";
      setForm({ setup, first: fresh(setup.organiser, beacon, state.featured?.currency ?? "EUR") });
    });
  const open = (id: string, beacon: BeaconKind) =>
    client.run({
      t: "open_draw", draw: id,
      ...(beacon === "cohosts" && { commitments: [commit(id)], names: [client.me?.name ?? "host"] }),
    });
  const onPlan = (plan: DrawPlan, what: "start" | "queue" | "save") =>
    void act(async () => {
      if (what === "save") {
        await client.run({ t: "save_template", name: plan.title.slice(0, 60), plan });
        return setSaved(true);
      }
      setSaved(false);
      const made = (await client.run({ t: "create_draw", plan })) as Announced;
      return what === "start" ? open(made.draw, plan.beacon ?? "drand") : undefined;
    }).then((done) => done && what !== "save" && setForm(null));
  return (
    <>
      {draw && <Running client={client} state={state} draw={draw} />}
      {waiting(state).map((each) => (
        <div class="card draw-waiting" key={each.id}>
          <div>
            <p class="card-title">{say.waiting}</p>
            <p><b><Words>{each.title}</Words></b></p>
            <Prizes draw={each} />
          </div>
          <div class="buttons">
            <button type="button" class="primary" disabled={busy || !mayStart} onClick={() => act(() => open(each.id, each.beacon))}>{say.open}</button>
            <button type="button" class="quiet" disabled={busy} onClick={() => act(() => client.run({ t: "cancel_draw", draw: each.id, why: "taken out of the queue" }))}>{say.drop}</button>
          </div>
        </div>
      ))}
      {form ? (
        <DrawForm setup={form.setup} first={form.first} busy={busy} mayStart={mayStart} trouble={trouble ?? (saved && <p role="status" class="faint">{say.saved}</p>)} onPlan={onPlan} onClose={() => setForm(null)} />
      ) : (
        <div class="card-tool"><button type="button" class="quiet" disabled={busy} onClick={begin}>{draw ? say.another : say.begin}</button>{trouble}</div>
      )}
    </>
  );
}

function Running({ client, state, draw }: CardProps & { draw: Draw }) {
  const { act, busy, trouble } = useDrawAct();
  const [why, setWhy] = useState<string | null>(null);
  const mine = draw.beacon === "cohosts" && draw.state === "closed" && !(draw.revealed ?? []).includes(PARTY);
  const secret = mine ? keptSecret(draw.id) : null;
  return (
    <section class={`card draw ${draw.state}`} aria-label={words.label}>
      <div class="draw-body">
        <p class="card-title">{words.title} · {words.state(draw)}</p>
        <h3><Words>{draw.title}</Words></h3>
        <Progress client={client} state={state} draw={draw} />
        {draw.state === "open" && draw.beacon === "cohosts" && <p class="faint">{say.keepOpen}</p>}
        {mine && draw.root && (secret
          ? <button type="button" class="quiet" disabled={busy} onClick={() => act(() => client.run({ t: "reveal_draw", draw: draw.id, party: PARTY, secret }))}>{say.revealNow}</button>
          : <p class="faint">{say.lost}</p>)}
        {draw.state === "open" && why === null && (
          <div class="buttons">
            <button type="button" class="primary" disabled={busy} onClick={() => act(() => client.run({ t: "close_draw", draw: draw.id }))}>{say.close}</button>
            <button type="button" class="quiet" onClick={() => setWhy("")}>{say.cancel}</button>
          </div>
        )}
        {draw.state === "open" && why !== null && (
          <form class="draw-enter" onSubmit={(event) => { event.preventDefault(); void act(() => client.run({ t: "cancel_draw", draw: draw.id, why })).then((done) => done && setWhy(null)); }}>
            <label>{say.why} <input value={why} maxLength={200} required dir="auto" autofocus onInput={(event) => setWhy(event.currentTarget.value)} /></label>
            <div class="buttons">
              <button type="submit" class="primary" disabled={busy || !why.trim()}>{say.cancelGo}</button>
              <button type="button" class="quiet" onClick={() => setWhy(null)}>{strings.cancel}</button>
            </div>
          </form>
        )}
        <Winners draw={draw} />
        <Ended draw={draw} />
        <Rules draw={draw} />
        <CheckLink draw={draw} />
        {trouble}
      </div>
    </section>
  );
}
