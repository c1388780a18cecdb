/** Refund: asking that the shop's backend pay a purchase back. For operators alone; see refunds.card.tsx for those that wait. */

import { freshKey } from "@sdk";
import { useState } from "preact/hooks";
import { useAct } from "../shared/act";
import { Folded } from "./desk/folded";
import { refund as words } from "./desk/words";
import type { Card, CardProps } from "./registry";

function ForHost({ client, state }: CardProps) {
  if (client.me?.role !== "operator") return null;
  return <Folded begin={words.begin} label={words.label} close={words.close}>{() => <Form client={client} state={state} />}</Folded>;
}

function Form({ client }: CardProps) {
  const { act, busy, trouble } = useAct();
  const [key, setKey] = useState(freshKey); // kept until it worked: asking again moves money once
  const [asked, setAsked] = useState(false);
  const ask = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const said = new FormData(form);
    setAsked(false);
    void act(() => client.run({
      t: "refund",
      purchase: String(said.get("purchase")).trim(),
      amount: said.get("amount") ? Number(said.get("amount")) : null,
      why: String(said.get("why")).trim(),
    }, { key })).then((done) => {
      if (!done) return;
      setAsked(true);
      setKey(freshKey());
      form.reset();
    });
  };
  return (
    <form onSubmit={ask} onInput={() => setKey(freshKey())}>
      <label>{words.purchase}<input name="purchase" required maxLength={128} autofocus /></label>
      <label>{words.amount}<input name="amount" type="number" min={1} step={1} /><span class="faint">{words.amountHint}</span></label>
      <label>{words.why}<input name="why" required maxLength={200} dir="auto" /></label>
      <button type="submit" class="primary" disabled={busy}>{words.ask}</button>
      {asked && <span role="status">{words.asked}</span>}
      {trouble}
    </form>
  );
}

export default { id: "refund", order: 94, host: ForHost } satisfies Card;
