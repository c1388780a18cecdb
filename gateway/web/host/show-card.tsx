/** ShowCard: the show's state, and the steps that lead on from it. */

import type { Client, Show, ShowState } from "@sdk";
import { useState } from "preact/hooks";
import { useAct } from "../shared/act";
import { clock, timeOfDay } from "../shared/format";
import { useTicks } from "../shared/room";
import { strings } from "../shared/strings";
import { Words } from "../shared/words";
import { ScheduleForm } from "./schedule-form";

const words = strings.hostPage;

/** What may follow a state, the likeliest first. Ending stands apart. */
const STEPS: Record<ShowState, readonly (readonly [ShowState, string])[]> = {
  scheduled: [["warm_up", words.warmUp], ["live", words.goLive]],
  warm_up: [["live", words.goLive]],
  live: [["paused", words.pause]],
  paused: [["live", words.resume]],
  ended: [],
};

export function ShowCard({ client, show }: { client: Client; show: Show | null }) {
  useTicks(show?.state === "scheduled" || show?.state === "live" || show?.state === "paused");
  return (
    <section class="box show" aria-label={words.showCard}>
      <div class="show-head">
        <span class={`badge ${show?.state ?? "none"}`} data-testid="show-state">{show ? strings.show[show.state === "scheduled" ? "upcoming" : show.state] : strings.show.none}</span>
        <span class="show-time">{show && timing(show, client.now())}</span>
      </div>
      {show && <h2 class="show-title"><Words>{show.title}</Words></h2>}
      {show && show.state !== "ended" ? <Steps key={`${show.id} ${show.state}`} client={client} state={show.state} /> : <ScheduleForm client={client} again={show !== null} />}
    </section>
  );
}

function timing(show: Show, now: number): string {
  if (show.state === "scheduled") {
    const left = show.starts_at - now;
    return left > 0 ? `${strings.show.scheduled} ${clock(left)}` : timeOfDay(show.starts_at);
  }
  if (show.state === "ended") return show.ended_at ? timeOfDay(show.ended_at) : "";
  return show.live_at ? words.onAir(clock(now - show.live_at)) : "";
}

function Steps({ client, state }: { client: Client; state: ShowState }) {
  const { act, busy, trouble } = useAct();
  const [ending, setEnding] = useState(false);
  if (ending) {
    return (
      <div class="confirm" role="alertdialog" aria-label={words.end} onKeyDown={(event) => event.key === "Escape" && setEnding(false)}>
        <p>{words.endConfirm}</p>
        <div class="buttons">
          <button type="button" class="primary" disabled={busy} onClick={() => act(() => client.setShow("ended"))}>{words.endYes}</button>
          <button type="button" class="quiet" autofocus onClick={() => setEnding(false)}>{words.endNo}</button>
        </div>
        {trouble}
      </div>
    );
  }
  return (
    <>
      <div class="buttons steps">
        {STEPS[state].map(([to, label], index) => (
          <button key={to} type="button" class={index === 0 ? "primary" : "quiet"} disabled={busy} onClick={() => act(() => client.setShow(to))}>{label}</button>
        ))}
        <button type="button" class="danger" disabled={busy} onClick={() => setEnding(true)}>{words.end}</button>
      </div>
      {(state === "live" || state === "paused") && <p class="faint">{words.pauseHint}</p>}
      {trouble}
    </>
  );
}
