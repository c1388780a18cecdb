/** Freeze: the stream broke. Viewers see a break with a way to the back-up video; the host stops and starts every clock. */

import { useState } from "preact/hooks";
import { useAct } from "../shared/act";
import { clock } from "../shared/format";
import { Pause } from "../shared/icons";
import { useTicks } from "../shared/room";
import { strings } from "../shared/strings";
import { Words } from "../shared/words";
import type { Card, CardProps } from "./registry";

const words = strings.freeze;

function ForViewer({ state }: CardProps) {
  const { freezing } = state;
  if (!freezing) return null;
  return (
    <div class="card freeze" role="status">
      <Pause />
      <div>
        <span class="card-title">{words.title}</span>
        <Words class="card-text">{freezing.message ?? words.message}</Words>
        {freezing.video_url && <p><a href={freezing.video_url} target="_blank" rel="noreferrer noopener">{words.backup}</a></p>}
      </div>
    </div>
  );
}

function ForHost({ client, state }: CardProps) {
  const { act, busy, trouble } = useAct();
  const [asking, setAsking] = useState(false);
  const [message, setMessage] = useState("");
  const [url, setUrl] = useState("");
  const { freezing } = state;
  useTicks(freezing !== null);
  if (freezing) {
    return (
      <div class="card freeze" role="status">
        <Pause />
        <div>
          <span class="card-title">{words.since(clock(client.now() - freezing.at))}</span>
          <Words class="card-text">{freezing.message ?? words.message}</Words>
          {trouble}
        </div>
        <button type="button" class="primary" disabled={busy} onClick={() => act(() => client.run({ t: "unfreeze" }))}>{words.end}</button>
      </div>
    );
  }
  if (!state.show || state.show.state === "ended") return null;
  if (!asking) {
    return <div class="card-tool"><button type="button" class="quiet" onClick={() => setAsking(true)}><Pause /> {words.begin}</button></div>;
  }
  const freeze = (event: Event) => {
    event.preventDefault();
    void act(() => client.run({ t: "freeze", message: message.trim() || null, video_url: url.trim() || null })).then((done) => done && setAsking(false));
  };
  return (
    <form class="card freeze form" onSubmit={freeze} onKeyDown={(event) => event.key === "Escape" && setAsking(false)}>
      <p>{words.explain}</p>
      <label>{words.messageLabel}<input value={message} onInput={(event) => setMessage(event.currentTarget.value)} placeholder={words.message} maxLength={500} dir="auto" autofocus /></label>
      <label>{words.urlLabel}<input type="url" value={url} onInput={(event) => setUrl(event.currentTarget.value)} placeholder="https://" /></label>
      <div class="buttons">
        <button type="submit" class="primary" disabled={busy}>{words.go}</button>
        <button type="button" class="quiet" onClick={() => setAsking(false)}>{strings.cancel}</button>
      </div>
      {trouble}
    </form>
  );
}

export default { id: "freeze", order: -10, viewer: ForViewer, host: ForHost } satisfies Card;
