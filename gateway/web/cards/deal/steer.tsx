/** Steer: one group buy in the operator's hands. What cannot be undone is asked about first. */

import type { Deal, Unnumbered } from "@sdk";
import { useState } from "preact/hooks";
import { useAct } from "../../shared/act";
import { download } from "../../shared/api";
import { clock, money } from "../../shared/format";
import { roomOfPage } from "../../shared/session";
import { strings } from "../../shared/strings";
import { Words } from "../../shared/words";
import type { CardProps } from "../registry";
import { EditDeal } from "./forms";
import { Orders } from "./orders";
import { Ask } from "./parts";
import { roomNow, running } from "./standing";
import { TeamList } from "./team-list";

const words = strings.deal;
const LONGER = [300, 900, 1800, 3600] as const;

type Asking = "edit" | "extend" | "close" | "void" | null;

interface SteerProps extends CardProps {
  readonly deal: Deal;
}

export function Steer({ client, state, deal }: SteerProps) {
  const { act, busy, trouble } = useAct();
  const [asking, setAsking] = useState<Asking>(null);
  const go = (command: Unnumbered) => void act(() => client.run(command)).then((done) => done && setAsking(null));
  const stop = () => setAsking(null);
  const stamp = `${state.values[`deal_${deal.id}_left`]} ${state.values[`deal_${deal.id}_seats`]} ${deal.state}`;
  if (asking === "edit") return <EditDeal client={client} deal={deal} onDone={stop} />;
  return (
    <section class="card deal deal-steer" aria-label={`${words.label}: ${deal.title}`}>
      <div class="deal-head">
        <span class="deal-name"><span class="card-title">{words.label}</span><Words class="card-text">{deal.title}</Words>{deal.reference && <Words class="faint">{deal.reference}</Words>}</span>
        <span class={`badge ${deal.state}`}>{words.states[deal.state]}</span>
      </div>
      <p>{deal.terms.steps.map(({ people, price }) => `${words.people(people)} ${money(price, deal)}`).join(" · ")} · <s class="faint">{words.alone(money(deal.terms.single_price, deal))}</s></p>
      <Figures client={client} state={state} deal={deal} />
      {deal.sold_out && running(deal) && <p class="deal-note">{words.soldOut}</p>}
      {deal.why && <p class="deal-note"><Words>{words.because(deal.why)}</Words></p>}
      {asking === null && <Actions deal={deal} busy={busy} onAsk={setAsking} go={go} />}
      {asking === "extend" && <Extend deal={deal} busy={busy} go={go} onStop={stop} />}
      {asking === "close" && <Ask text={words.closeAsk} go={words.closeGo} busy={busy} onGo={() => go({ t: "close_deal", deal: deal.id })} onStop={stop} />}
      {asking === "void" && <Ask text={words.takeBackAsk} go={words.takeBackGo} why={words.takeBackWhy} busy={busy} onGo={(why) => go({ t: "void_deal", deal: deal.id, why })} onStop={stop} />}
      {trouble}
      <TeamList client={client} state={state} deal={deal} stamp={stamp} />
      <Orders client={client} state={state} deal={deal} stamp={stamp} />
    </section>
  );
}

function Figures({ client, state, deal }: SteerProps) {
  const left = state.values[`deal_${deal.id}_left`];
  const closes = deal.closes_at == null ? words.figures.ends : clock(deal.closes_at - roomNow(client.now(), state));
  if (!running(deal)) return null;
  return (
    <dl class="deal-figures">
      <div><dt>{words.figures.left}</dt><dd>{left ?? deal.stock}<small> / {deal.stock}</small></dd></div>
      <div><dt>{words.figures.held}</dt><dd>{state.values[`deal_${deal.id}_seats`] ?? 0}</dd></div>
      <div><dt>{words.figures.closes}</dt><dd class="deal-clock">{closes}</dd></div>
    </dl>
  );
}

interface ActionsProps {
  readonly deal: Deal;
  readonly busy: boolean;
  readonly onAsk: (what: Asking) => void;
  readonly go: (command: Unnumbered) => void;
}

function Actions({ deal, busy, onAsk, go }: ActionsProps) {
  const { act, busy: reading, trouble } = useAct();
  const runs = running(deal);
  const settle = () => void act(() => download(`/v1/rooms/${roomOfPage()}/deals/${deal.id}/settlement.csv`, `settlement-${deal.id}.csv`));
  const ask = (what: Asking, label: string, kind = "quiet") => <button type="button" class={kind} disabled={busy} onClick={() => onAsk(what)}>{label}</button>;
  return (
    <>
      <div class="buttons">
        {deal.state === "open" && <button type="button" class="quiet" disabled={busy} onClick={() => go({ t: "change_deal", deal: deal.id, state: "paused" })}>{words.pause}</button>}
        {deal.state === "paused" && <button type="button" class="quiet" disabled={busy} onClick={() => go({ t: "change_deal", deal: deal.id, state: "open" })}>{words.resume}</button>}
        {runs && ask("edit", `${words.edit}…`)}
        {runs && deal.closes_at != null && ask("extend", words.extend)}
        {runs && ask("close", words.close)}
        {deal.state !== "voided" && ask("void", words.takeBack, "quiet danger")}
        <button type="button" class="quiet" disabled={reading} onClick={settle}>{words.settlement}</button>
      </div>
      {trouble}
    </>
  );
}

function Extend({ deal, busy, go, onStop }: { deal: Deal; busy: boolean; go: (command: Unnumbered) => void; onStop: () => void }) {
  const [by, setBy] = useState<number>(LONGER[0]);
  return (
    <form class="deal-ask" aria-label={words.extend} onSubmit={(event) => { event.preventDefault(); go({ t: "extend_deal", deal: deal.id, by_s: by }); }} onKeyDown={(event) => event.key === "Escape" && onStop()}>
      <label>{words.extendBy}
        <select value={by} onChange={(event) => setBy(Number(event.currentTarget.value))} autofocus>{LONGER.map((each) => <option key={each} value={each}>{words.span(each)}</option>)}</select>
      </label>
      <div class="buttons">
        <button type="submit" class="primary" disabled={busy}>{words.extendGo}</button>
        <button type="button" class="quiet" onClick={onStop}>{strings.cancel}</button>
      </div>
    </form>
  );
}
