/** Refusals: who wanted to enter a draw and was refused, why and how often. */

import type { ErrorCode } from "@sdk";
import { useEffect, useState } from "preact/hooks";
import { api } from "../../shared/api";
import { say } from "./host-words";
import { useDrawAct } from "./use-draw";
import { moment } from "./when";
import { words } from "./words";

const text = say.desk;
const PAGE = 50;

interface Refusal {
  readonly who: string;
  readonly code: ErrorCode;
  readonly times: number;
  readonly last_at: number;
}

/** Newest first; `people` and `times` count all pages. */
interface Page {
  readonly items: readonly Refusal[];
  readonly next?: string;
  readonly people: number;
  readonly times: number;
}

export function Refusals({ path }: { path: string }) {
  const { act, busy, trouble } = useDrawAct();
  const [page, setPage] = useState<Page | null>(null);
  const read = (known: Page | null) =>
    void act(async () => {
      const before = known?.next ? `&before=${encodeURIComponent(known.next)}` : "";
      const found = await api<Page>("GET", `${path}?limit=${PAGE}${before}`);
      setPage({ ...found, items: [...(known?.items ?? []), ...found.items] });
    });
  useEffect(() => read(null), [path]);
  if (!page) return <>{trouble}</>;
  return (
    <section class="draw-refusals">
      <h3>{text.refusals}</h3>
      {page.items.length === 0 ? <p class="faint">{text.noRefusals}</p> : (
        <>
          <p class="faint">{text.summary(page.people, page.times)}</p>
          <div class="draw-scroll" tabIndex={0}>
            <table>
              <thead><tr><th scope="col">{text.person}</th><th scope="col">{text.reason}</th><th scope="col">{text.times}</th><th scope="col">{text.last}</th></tr></thead>
              <tbody>
                {page.items.map((each) => (
                  <tr key={`${each.who} ${each.code}`}><td><code>{each.who.slice(0, 8)}</code></td><td>{text.reasons[each.code] ?? each.code}</td><td>{each.times}</td><td>{moment(each.last_at)}</td></tr>
                ))}
              </tbody>
            </table>
          </div>
          {page.next && <button type="button" class="quiet" disabled={busy} onClick={() => read(page)}>{words.history.more}</button>}
        </>
      )}
      {trouble}
    </section>
  );
}
