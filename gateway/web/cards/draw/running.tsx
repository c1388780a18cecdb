/** The draw that was opened last, for those who run it: follow, close, call off, reveal, and see to the prizes. */

import type { Draw } from "@sdk";
import { useState } from "preact/hooks";
import { Gift } from "../../shared/icons";
import { strings } from "../../shared/strings";
import { Words } from "../../shared/words";
import type { CardProps } from "../registry";
import { useRevealing } from "./cohosts";
import { DeskButton } from "./desk";
import { say } from "./host-words";
import { CheckLink, Ended, Prizes, Progress, Rules, Winners } from "./told";
import { useDrawAct } from "./use-draw";
import { words } from "./words";

export function Running({ client, state, draw }: CardProps & { draw: Draw }) {
  const { act, busy, trouble } = useDrawAct();
  const [calling, setCalling] = useState(false);
  const open = draw.state === "open";
  return (
    <section class={`card draw ${draw.state}`} aria-label={words.label}>
      <div class="draw-body">
        <p class="card-title"><Gift /> {words.title} <span class={`draw-state ${draw.state}`}>{words.state(draw)}</span></p>
        <h3><Words>{draw.title}</Words></h3>
        {open && <Prizes draw={draw} />}
        <Progress client={client} state={state} draw={draw} />
        {draw.beacon === "cohosts" && <Revealing client={client} state={state} draw={draw} />}
        {open && !calling && (
          <div class="buttons">
            <button type="button" class="primary" disabled={busy} onClick={() => act(() => client.run({ t: "close_draw", draw: draw.id }))}>{say.close}</button>
            <button type="button" class="quiet" onClick={() => setCalling(true)}>{say.cancel}</button>
          </div>
        )}
        {open && calling && <CallOff client={client} state={state} draw={draw} onBack={() => setCalling(false)} />}
        <Winners draw={draw} />
        <Ended draw={draw} />
        <Rules draw={draw} />
        <p class="draw-links"><CheckLink draw={draw} /><DeskButton client={client} draw={draw} /></p>
        {trouble}
      </div>
    </section>
  );
}

function CallOff({ client, draw, onBack }: CardProps & { draw: Draw; onBack: () => void }) {
  const { act, busy, trouble } = useDrawAct();
  const [why, setWhy] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    void act(() => client.run({ t: "cancel_draw", draw: draw.id, why })).then((done) => done && onBack());
  };
  return (
    <form class="draw-enter" onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && onBack()}>
      <label>{say.why} <input value={why} maxLength={200} required dir="auto" autofocus onInput={(event) => setWhy(event.currentTarget.value)} /></label>
      <div class="buttons">
        <button type="submit" class="danger" disabled={busy || !why.trim()}>{say.cancelGo}</button>
        <button type="button" class="quiet" onClick={onBack}>{strings.cancel}</button>
      </div>
      {trouble}
    </form>
  );
}

/** This browser's secret: kept, being revealed, or not here. */
function Revealing({ client, draw }: CardProps & { draw: Draw }) {
  const own = useRevealing(client, draw);
  if (draw.state === "open") return <p class="draw-note">{own ? say.keepOpen : say.lost}</p>;
  if (draw.state !== "closed" || (own && (draw.revealed ?? []).includes(own.party))) return null;
  if (!own) return <p class="draw-note">{say.lost}</p>;
  return draw.root ? <p class="draw-note" role="status">{say.revealing}</p> : null;
}
