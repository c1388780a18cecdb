/** A draw in the queue: start it, take it out, and who are its co-hosts. */

import type { Draw } from "@sdk";
import { useState } from "preact/hooks";
import { roomOfPage } from "../../shared/session";
import { strings } from "../../shared/strings";
import { Words } from "../../shared/words";
import type { CardProps } from "../registry";
import { cohostLink, commitmentIn, HOST_PARTY, type Invited, invited, keepInvited } from "./cohosts";
import { say } from "./host-words";
import { openDraw } from "./open";
import { Prizes } from "./told";
import { useDrawAct } from "./use-draw";

const MOST_INVITED = 6; // the server and the host's browser are two of eight

export function Waiting({ client, draw, place, mayStart }: CardProps & { draw: Draw; place: number; mayStart: boolean }) {
  const { act, busy, trouble } = useDrawAct();
  const [others, setOthers] = useState(() => invited(draw.id));
  const set = (changed: readonly Invited[]) => {
    keepInvited(draw.id, changed);
    setOthers(changed);
  };
  const late = others.filter(({ promise }, at) => !commitmentIn(promise, partyOf(at)));
  const ready = mayStart && late.length === 0;
  return (
    <section class="card draw-waiting" aria-label={draw.title}>
      <div class="draw-body">
        <p class="card-title">{say.waiting(place)}</p>
        <h3><Words>{draw.title}</Words></h3>
        <Prizes draw={draw} />
        {draw.beacon === "cohosts" && <Cohosts draw={draw.id} others={others} onChange={set} />}
        {!mayStart && <p class="faint">{say.notNow}</p>}
        {late.length > 0 && <p class="faint"><Words>{say.cohosts.waitFor(late.map(({ name }) => name).join(", "))}</Words></p>}
        <div class="buttons">
          <button type="button" class="primary" disabled={busy || !ready} onClick={() => act(() => openDraw(client, draw, others))}>{say.open}</button>
          <button type="button" class="quiet" disabled={busy} onClick={() => act(() => client.run({ t: "cancel_draw", draw: draw.id, why: say.dropped }))}>{say.drop}</button>
        </div>
        {trouble}
      </div>
    </section>
  );
}

const partyOf = (place: number) => HOST_PARTY + 1 + place;

function Cohosts({ draw, others, onChange }: { draw: string; others: readonly Invited[]; onChange: (others: readonly Invited[]) => void }) {
  const [name, setName] = useState<string | null>(null);
  const text = say.cohosts;
  const add = () => {
    if (name?.trim()) onChange([...others, { name: name.trim(), promise: "" }]);
    setName(null);
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "Enter") add();
    if (event.key === "Escape") setName(null);
  };
  return (
    <div class="draw-cohosts">
      <p class="faint">{text.title}: {text.server}, {text.here}</p>
      {others.map((other, place) => (
        <fieldset key={place}>
          <legend><Words>{other.name}</Words></legend>
          <label>{text.link}<input value={cohostLink(roomOfPage(), draw, partyOf(place))} readOnly onFocus={(event) => event.currentTarget.select()} /></label>
          <label><Words>{text.promise(other.name)}</Words>
            <input value={other.promise} autocomplete="off" spellcheck={false} onInput={(event) => onChange(others.map((each, at) => (at === place ? { ...each, promise: event.currentTarget.value.trim() } : each)))} />
          </label>
          {other.promise && !commitmentIn(other.promise, partyOf(place)) && <p class="trouble" role="alert">{text.wrong}</p>}
          {place === others.length - 1 && <button type="button" class="quiet" onClick={() => onChange(others.slice(0, -1))}><Words>{text.remove(other.name)}</Words></button>}
        </fieldset>
      ))}
      {name === null
        ? others.length < MOST_INVITED && <button type="button" class="quiet" onClick={() => setName("")}>{text.add}</button>
        : (
          <div class="draw-ask">
            <label>{text.name}<input value={name} maxLength={40} dir="auto" autofocus onInput={(event) => setName(event.currentTarget.value)} onKeyDown={key} /></label>
            <div class="buttons">
              <button type="button" class="primary" disabled={!name.trim()} onClick={add}>{text.invite}</button>
              <button type="button" class="quiet" onClick={() => setName(null)}>{strings.cancel}</button>
            </div>
          </div>
        )}
    </div>
  );
}
