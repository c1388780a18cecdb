/** Countdown: to something the host announces. Stands still during a technical break. */

import { LIMITS } from "@sdk";
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useAct } from "../shared/act";
import { clock } from "../shared/format";
import { Timer } from "../shared/icons";
import { useTicks } from "../shared/room";
import { strings } from "../shared/strings";
import { Words } from "../shared/words";
import type { Card, CardProps } from "./registry";

const words = strings.countdown;
const LENGTHS = [30, 60, 180, 300, 600] as const;

function Running({ client, state, children }: CardProps & { children?: ComponentChildren }) {
  const { countdown, freezing } = state;
  useTicks(countdown !== null, 250);
  if (!countdown) return null;
  const left = countdown.ends_at - (freezing ? freezing.at : client.now());
  return (
    <aside class="card countdown-card">
      <Timer />
      <p>
        <Words class="card-text">{countdown.title}</Words>
        {freezing && <span class="faint"> {words.frozen}</span>}
      </p>
      <b role="timer" class="clock">{left > 0 ? clock(left) : words.now}</b>
      {children}
    </aside>
  );
}

function ForHost(props: CardProps) {
  const { client, state } = props;
  const { act, busy, trouble } = useAct();
  const [asking, setAsking] = useState(false);
  const [title, setTitle] = useState("");
  const [seconds, setSeconds] = useState<number>(60);
  if (state.countdown) {
    return (
      <Running {...props}>
        <button type="button" class="quiet" disabled={busy} onClick={() => act(() => client.run({ t: "cancel_countdown" }))}>{words.cancel}</button>
      </Running>
    );
  }
  if (!state.show || state.show.state === "ended" || state.freezing) return null;
  if (!asking) {
    return <div class="card-tool"><button type="button" class="quiet" onClick={() => setAsking(true)}><Timer /> {words.begin}</button></div>;
  }
  const start = (event: Event) => {
    event.preventDefault();
    if (!title.trim()) return;
    void act(() => client.run({ t: "countdown", title: title.trim(), seconds })).then((done) => done && setAsking(false));
  };
  return (
    <form class="card form" onSubmit={start} onKeyDown={(event) => event.key === "Escape" && setAsking(false)}>
      <label>{words.titleLabel}<input value={title} onInput={(event) => setTitle(event.currentTarget.value)} placeholder={words.placeholder} maxLength={LIMITS.TITLE_CHARS} dir="auto" autofocus required /></label>
      <label>{words.length}
        <select value={seconds} onChange={(event) => setSeconds(Number(event.currentTarget.value))}>
          {LENGTHS.map((length) => <option key={length} value={length}>{clock(length * 1000)}</option>)}
        </select>
      </label>
      <div class="buttons">
        <button type="submit" class="primary" disabled={busy || !title.trim()}>{words.go}</button>
        <button type="button" class="quiet" onClick={() => setAsking(false)}>{strings.cancel}</button>
      </div>
      {trouble}
    </form>
  );
}

export default { id: "countdown", order: 5, viewer: Running, host: ForHost } satisfies Card;
