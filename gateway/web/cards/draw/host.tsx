/** A draw on the host page: set up, start, follow; those that wait, and those that were. */

import type { Announced, BeaconKind, DrawPlan } from "@sdk";
import { useState } from "preact/hooks";
import { api } from "../../shared/api";
import { roomOfPage } from "../../shared/session";
import type { CardProps } from "../registry";
import { DeskButton } from "./desk";
import { DrawForm, type Setup } from "./form";
import { History } from "./history";
import { say } from "./host-words";
import { openDraw } from "./open";
import { type Draft, fresh } from "./plan";
import { Running } from "./running";
import { current, useDrawAct, waiting } from "./use-draw";
import { Waiting } from "./waiting";

const TALKING = ["warm_up", "live", "paused"];

export function ForHost({ client, state }: CardProps) {
  const draw = current(state);
  const { act, busy, trouble } = useDrawAct();
  const [form, setForm] = useState<{ setup: Setup; first: Draft } | null>(null);
  const active = draw?.state === "open" || draw?.state === "closed";
  const mayStart = !active && !state.freezing && TALKING.includes(state.show?.state ?? "");
  const begin = () =>
    act(async () => {
      const setup = await api<Setup>("GET", `/v1/rooms/${encodeURIComponent(roomOfPage())}/draw_setup`);
      const beacon: BeaconKind = setup.drand ? "drand" : "cohosts";
      setForm({ setup, first: fresh(setup.organiser, beacon, state.featured?.currency ?? "EUR", say.tiers[0] ?? "") });
    });
  const onPlan = (plan: DrawPlan, what: "start" | "queue") =>
    void act(async () => {
      const made = (await client.run({ t: "create_draw", plan })) as Announced;
      setForm(null); // it stands in the queue: should it not start, it is started from there
      if (what === "start") await openDraw(client, { id: made.draw, beacon: plan.beacon ?? "drand" });
    });
  return (
    <>
      {draw && <Running client={client} state={state} draw={draw} />}
      {waiting(state).map((each, place) => <Waiting key={each.id} client={client} state={state} draw={each} place={place + 1} mayStart={mayStart} />)}
      {form
        ? <DrawForm client={client} setup={form.setup} first={form.first} busy={busy} mayStart={mayStart} trouble={trouble} onPlan={onPlan} onClose={() => setForm(null)} />
        : (
          <div class="card-tool draw-tools">
            <button type="button" class="quiet" disabled={busy} onClick={begin}>{draw ? say.another : say.begin}</button>
            <History more={(past) => <DeskButton client={client} draw={past} />} />
            {trouble}
          </div>
        )}
    </>
  );
}
