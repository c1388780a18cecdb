/** Sanction: somebody is muted or put out, for how long and why. One keystroke away from a comment; Escape leaves it. */

import type { Client, Commented } from "@sdk";
import { useState } from "preact/hooks";
import { useAct } from "../shared/act";
import { sanction as words } from "../cards/desk/words";
import { Words } from "../shared/words";

interface Props {
  readonly client: Client;
  readonly comment: Commented;
  readonly kind: "mute" | "ban";
  readonly onDone: () => void;
}

export function SanctionForm({ client, comment, kind: first, onDone }: Props) {
  const { act, busy, trouble } = useAct();
  const [kind, setKind] = useState(first);
  const [seconds, setSeconds] = useState(first === "mute" ? 600 : 0);
  const [why, setWhy] = useState("");
  const [remove, setRemove] = useState(first === "ban");
  const go = (event: Event) => {
    event.preventDefault();
    const said = why.trim();
    void act(() => client.run({ t: kind, who: comment.by, seconds: seconds || null, delete: remove, ...(said && { why: said }) })).then((done) => done && onDone());
  };
  return (
    <form class="card form sanction" aria-label={words.title(comment.name)} onSubmit={go} onKeyDown={(event) => event.key === "Escape" && onDone()}>
      <span class="card-title"><Words>{words.title(comment.name)}</Words></span>
      <label>{words.kind}
        <select value={kind} onChange={(event) => setKind(event.currentTarget.value as "mute" | "ban")}>
          <option value="mute">{words.mute}</option>
          <option value="ban">{words.ban}</option>
        </select>
      </label>
      <label>{words.long}
        <select value={seconds} onChange={(event) => setSeconds(Number(event.currentTarget.value))}>
          {words.longs.map(([value, label]) => <option key={value} value={value}>{label}</option>)}
        </select>
      </label>
      <label>{words.why}<input value={why} onInput={(event) => setWhy(event.currentTarget.value)} maxLength={200} dir="auto" autofocus /><span class="faint">{words.whyHint}</span></label>
      <label class="check"><input type="checkbox" checked={remove} onChange={(event) => setRemove(event.currentTarget.checked)} /> {words.remove}</label>
      <div class="buttons">
        <button type="submit" class="primary" disabled={busy}>{kind === "mute" ? words.mute : words.ban}</button>
        <button type="button" class="quiet" onClick={onDone}>{words.cancel}</button>
      </div>
      {trouble}
    </form>
  );
}
