/** A co-host's page: the viewer page, opened by the link that the host sent. It promises a secret, and reveals it by itself. */

import type { Client, Draw } from "@sdk";
import { useMemo, useState } from "preact/hooks";
import { Copy } from "../../shared/icons";
import { Words } from "../../shared/words";
import type { CardProps } from "../registry";
import { asCohost, promise, promiseText, useRevealing } from "./cohosts";
import { words } from "./words";

const say = words.cohost;

export function Cohost({ client, state }: CardProps) {
  const link = asCohost(location.search);
  if (!link || !state.epoch) return null;
  const draw = state.draws.find(({ id }) => id === link.draw);
  return (
    <section class="card draw" aria-label={say.label}>
      <div class="draw-body">
        <p class="card-title">{say.label}</p>
        {draw ? <Part client={client} draw={draw} party={link.party} /> : <p>{say.missing}</p>}
      </div>
    </section>
  );
}

function Part({ client, draw, party }: { client: Client; draw: Draw; party: number }) {
  const own = useRevealing(client, draw);
  return (
    <>
      <h3><Words>{draw.title}</Words></h3>
      {draw.state === "announced" ? <Promise draw={draw.id} party={party} /> : <p role="status">{standing(draw, own?.party)}</p>}
    </>
  );
}

function standing(draw: Draw, party: number | undefined): string {
  if (party === undefined) return say.without;
  if ((draw.revealed ?? []).includes(party)) return say.done;
  if (draw.state === "open" || (draw.state === "closed" && !draw.root)) return say.open;
  return draw.state === "closed" ? say.now : say.over;
}

function Promise({ draw, party }: { draw: string; party: number }) {
  const [copied, setCopied] = useState(false);
  const text = useMemo(() => {
    try {
      return promiseText(party, promise(draw, party));
    } catch {
      return undefined; // private mode
    }
  }, [draw, party]);
  if (!text) return <p class="trouble">{say.noStorage}</p>;
  const copy = () => void navigator.clipboard?.writeText(text).then(() => setCopied(true));
  return (
    <>
      <p>{say.explain}</p>
      <label class="draw-promise">{say.promise}<input value={text} readOnly onFocus={(event) => event.currentTarget.select()} /></label>
      {navigator.clipboard && <button type="button" class="primary" onClick={copy}><Copy /> {copied ? say.copied : say.copy}</button>}
      <p class="faint">{say.wait}</p>
    </>
  );
}
