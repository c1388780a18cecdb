/** A draw on the viewer page: one tap, or the password; then count, clock, winners, and checking it all. */

import { type Draw, ownIn } from "@sdk";
import { useState } from "preact/hooks";
import { Close, Gift } from "../../shared/icons";
import { Words } from "../../shared/words";
import type { CardProps } from "../registry";
import { History } from "./history";
import { Receipt } from "./receipt";
import { CheckLink, Ended, Prizes, Progress, Rules, Winners } from "./told";
import { current, told, useDrawAct, useKeeping } from "./use-draw";
import { words } from "./words";

export function ForViewer({ client, state }: CardProps) {
  const draw = current(state);
  const [hidden, setHidden] = useState<string | null>(null);
  const doubts = useKeeping(client, draw, state);
  if (!draw) return null;
  if (hidden === draw.id) {
    return <div class="card-tool"><button type="button" class="quiet" onClick={() => setHidden(null)}><Gift /> <Words>{words.again(draw.title)}</Words></button></div>;
  }
  const receipt = ownIn(state.ownDraws, draw.id)?.receipt;
  const over = !["open", "closed"].includes(draw.state);
  return (
    <section class={`card draw ${draw.state}`} aria-label={words.label}>
      <div class="draw-body">
        <p class="card-title"><Gift /> {words.title}</p>
        <h3><Words>{draw.title}</Words></h3>
        {!over && <Prizes draw={draw} />}
        <Progress client={client} state={state} draw={draw} />
        {draw.state === "open" && !receipt && <Entry client={client} draw={draw} state={state} />}
        {receipt && (doubts.receipt ? <p class="trouble" role="alert">{words.doubts.receipt}</p> : <Receipt receipt={receipt} />)}
        <Winners draw={draw} mine={receipt?.entry_id} />
        <Ended draw={draw} />
        {doubts.rules && <p class="trouble" role="alert">{words.doubts.rules}</p>}
        <Rules draw={draw} />
        <p class="draw-links"><CheckLink draw={draw} /><History /></p>
      </div>
      {over && <button type="button" class="quiet draw-hide" aria-label={words.hide} onClick={() => setHidden(draw.id)}><Close /></button>}
    </section>
  );
}

function Entry({ client, draw, state }: CardProps & { draw: Draw }) {
  const { act, busy, trouble } = useDrawAct();
  const role = client.me?.role;
  if (role === "anonymous") return <p class="draw-note">{words.signIn}</p>;
  if (role !== undefined && role !== "viewer") return <p class="draw-note">{words.staff}</p>;
  const byPassword = draw.entry === "password";
  const enter = () => (byPassword ? client.comment(draw.password ?? "") : client.run({ t: "enter_draw", draw: draw.id }));
  const refused = state.notEntered?.draw === draw.id ? state.notEntered : null;
  return (
    <div class="draw-enter">
      {byPassword && <p><Words>{words.write(draw.password ?? "")}</Words></p>}
      <button type="button" class="primary" disabled={busy} onClick={() => act(enter)}>{byPassword ? words.send : words.enter}</button>
      {refused && <p class="trouble" role="alert">{words.notIn} {told(refused.code, refused.why)}</p>}
      {trouble}
    </div>
  );
}
