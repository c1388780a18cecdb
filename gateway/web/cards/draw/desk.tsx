/** Prizes and claims of one draw, and who was refused: for staff. What winners wrote is for operators alone, as a file. */

import type { Client, Draw, PassedWhy } from "@sdk";
import { useEffect, useState } from "preact/hooks";
import { api, download, shopOfToken } from "../../shared/api";
import { roomOfPage } from "../../shared/session";
import { strings } from "../../shared/strings";
import { Words } from "../../shared/words";
import { say } from "./host-words";
import { Refusals } from "./refusals";
import { Sheet } from "./sheet";
import { useDrawAct } from "./use-draw";
import { day, moment } from "./when";
import { words } from "./words";

const text = say.desk;
const EVERY_MS = 3000;

/** One prize, as the server lists them. */
interface PrizeRow {
  readonly prize: number;
  readonly tier: string;
  readonly name: string;
  readonly state: "waits" | "claimed" | "handed" | "late" | "nobody";
  readonly winner?: string;
  readonly entry?: string;
  /** Number of the reserve who has it; absent: who was drawn for it. */
  readonly reserve?: number;
  readonly claim_until?: number;
  readonly claimed_at?: number;
  readonly delete_at?: number;
  /** Nobody has it: what took it from the last who had. */
  readonly why?: PassedWhy;
}

interface Prizes {
  readonly items: readonly PrizeRow[];
  /** Number of the reserve whose turn is next; null: none is left. */
  readonly next_reserve: number | null;
}

type Of = Pick<Draw, "id" | "title" | "state">;

export function DeskButton({ client, draw }: { client: Client; draw: Of }) {
  const [open, setOpen] = useState(false);
  if (draw.state === "announced") return null;
  return (
    <>
      <button type="button" class="quiet" onClick={() => setOpen(true)}>{text.open}</button>
      {open && <Sheet title={text.title(draw.title)} onClose={() => setOpen(false)}><Desk client={client} draw={draw} /></Sheet>}
    </>
  );
}

function Desk({ client, draw }: { client: Client; draw: Of }) {
  const { act, busy, trouble } = useDrawAct();
  const [prizes, setPrizes] = useState<Prizes | null>(null);
  const path = `/v1/rooms/${encodeURIComponent(roomOfPage())}/draws/${draw.id}`;
  const operates = client.me?.role === "operator";
  const won = draw.state === "drawn" || draw.state === "settled";
  const read = async () => setPrizes(await api<Prizes>("GET", `${path}/prizes`));
  useEffect(() => {
    if (!won) return;
    void act(read);
    const timer = setInterval(() => void read().catch(() => undefined), EVERY_MS);
    return () => clearInterval(timer);
  }, [draw.id, won]);
  const then = (ask: () => Promise<unknown>) => act(async () => { await ask(); await read(); });
  const csv = () => act(() => download(`/v1/shops/${encodeURIComponent(shopOfToken() ?? "")}/draws/${draw.id}/claims`, `draw-${draw.id}.csv`));
  return (
    <>
      {!won && <p>{text.none}</p>}
      {won && prizes?.items.length === 0 && <p>{text.none}</p>}
      <ol class="draw-desk">
        {prizes?.items.map((row) => (
          <Row key={row.prize} row={row} next={prizes.next_reserve} busy={busy} operates={operates && won} settled={draw.state === "settled"}
            onClaimed={() => then(() => client.run({ t: "mark_claimed", draw: draw.id, prize: row.prize }))}
            onDisqualify={(why) => then(() => client.run({ t: "disqualify_winner", draw: draw.id, prize: row.prize, why }))} />
        ))}
      </ol>
      {won && (operates ? <button type="button" class="quiet" disabled={busy} onClick={csv}>{text.csv}</button> : <p class="faint">{text.csvHint}</p>)}
      {trouble}
      <Refusals path={`${path}/refusals`} />
    </>
  );
}

interface RowProps {
  readonly row: PrizeRow;
  readonly next: number | null;
  readonly busy: boolean;
  readonly operates: boolean;
  readonly settled: boolean;
  readonly onClaimed: () => Promise<boolean>;
  readonly onDisqualify: (why: string) => Promise<boolean>;
}

function Row({ row, next, busy, operates, settled, onClaimed, onDisqualify }: RowProps) {
  const [why, setWhy] = useState<string | null>(null);
  const waits = row.state === "waits" || row.state === "late";
  const open = waits || row.state === "claimed"; // the shop may still find that who claimed is excluded
  const submit = (event: Event) => {
    event.preventDefault();
    void onDisqualify(why ?? "").then((done) => done && setWhy(null));
  };
  return (
    <li>
      <p class="draw-history-head"><span><span class="faint"><Words>{row.tier}</Words></span> <b><Words>{row.name}</Words></b></span> <span class={`draw-state ${row.state}`}>{text.states[row.state]}</span></p>
      {row.winner !== undefined && (
        <p><Words>{row.winner}</Words> <code class="faint">{row.entry?.slice(0, 6)}</code> {row.reserve !== undefined && <span class="faint">({words.reserve(row.reserve)})</span>}</p>
      )}
      {waits && row.claim_until !== undefined && <p class="faint">{text.until(moment(row.claim_until))}, {next === null ? text.noNext : text.next(next)}</p>}
      {row.why !== undefined && <p class="faint">{words.lapsed(row.why)}</p>}
      {row.delete_at !== undefined && <p class="faint">{text.deleted(day(row.delete_at))}</p>}
      {operates && open && why === null && (
        <div class="buttons">
          <button type="button" class="quiet" disabled={busy} onClick={() => void onClaimed()}>{text.markClaimed}</button>
          {!settled && <button type="button" class="quiet" onClick={() => setWhy("")}>{text.disqualify}</button>}
        </div>
      )}
      {why !== null && (
        <form class="draw-ask" onSubmit={submit}>
          <label>{text.disqualifyWhy}<input value={why} maxLength={200} required dir="auto" autofocus onInput={(event) => setWhy(event.currentTarget.value)} /></label>
          <div class="buttons">
            <button type="submit" class="danger" disabled={busy || !why.trim()}>{text.disqualifyGo(next)}</button>
            <button type="button" class="quiet" onClick={() => setWhy(null)}>{strings.cancel}</button>
          </div>
        </form>
      )}
    </li>
  );
}
