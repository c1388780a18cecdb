/** Refusals: who wanted to enter a draw and was refused, why and how often. */

import type { ErrorCode } from "@sdk";
import { useEffect, useState } from "preact/hooks";
import { api } from "../../shared/api";
import { say } from "./host-words";
import { useDrawAct } from "./use-draw";
import { moment } from "./when";

const text = say.desk;

interface Refusal {
  readonly who: string;
  readonly code: ErrorCode;
  readonly times: number;
  readonly last_at: number;
}

export function Refusals({ path }: { path: string }) {
  const { act, trouble } = useDrawAct();
  const [items, setItems] = useState<readonly Refusal[] | null>(null);
  useEffect(() => void act(async () => setItems((await api<{ items: Refusal[] }>("GET", path)).items)), [path]);
  if (!items) return <>{trouble}</>;
  const times = items.reduce((sum, each) => sum + each.times, 0);
  return (
    <section class="draw-refusals">
      <h3>{text.refusals}</h3>
      {items.length === 0 ? <p class="faint">{text.noRefusals}</p> : (
        <>
          <p class="faint">{text.summary(new Set(items.map(({ who }) => who)).size, times)}</p>
          <div class="draw-scroll" tabIndex={0}>
            <table>
              <thead><tr><th scope="col">{text.person}</th><th scope="col">{text.reason}</th><th scope="col">{text.times}</th><th scope="col">{text.last}</th></tr></thead>
              <tbody>
                {items.map((each) => (
                  <tr key={`${each.who} ${each.code}`}><td><code>{each.who.slice(0, 8)}</code></td><td>{text.reasons[each.code] ?? each.code}</td><td>{each.times}</td><td>{moment(each.last_at)}</td></tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </section>
  );
}
