/** Forms: a new group buy, and an edit of one that runs. */

import type { Client, Deal, Product } from "@sdk";
import { useEffect, useState } from "preact/hooks";
import { useAct } from "../../shared/act";
import { api } from "../../shared/api";
import { roomOfPage } from "../../shared/session";
import { strings } from "../../shared/strings";
import { DealForm } from "./form";
import { basisOf, changeDeal, draftOf, FRESH, openDeal } from "./plan";

export function NewDeal({ client, onDone }: { client: Client; onDone: () => void }) {
  const { act, busy, trouble } = useAct();
  const [products, setProducts] = useState<readonly Product[]>();
  const [draft, setDraft] = useState(FRESH);
  useEffect(() => {
    void act(async () => {
      const { items } = await api<{ items: Product[] }>("GET", `/v1/rooms/${roomOfPage()}/products`);
      setProducts(items);
      setDraft((typed) => ({ ...typed, product: typed.product || (items[0]?.id ?? "") }));
    });
  }, []);
  const basis = basisOf(draft, products?.find(({ id }) => id === draft.product));
  if (!products) return <div class="card form">{strings.loading}{trouble}</div>;
  return (
    <DealForm products={products} draft={draft} basis={basis} busy={busy} trouble={trouble} onDraft={setDraft} onClose={onDone}
      onPlan={(plan) => void act(() => client.run(openDeal(draft, plan))).then((done) => done && onDone())} />
  );
}

/** Edit the rules for teams opened from now on. */
export function EditDeal({ client, deal, onDone }: { client: Client; deal: Deal; onDone: () => void }) {
  const { act, busy, trouble } = useAct();
  const [draft, setDraft] = useState(() => draftOf(deal));
  const basis = { price: deal.terms.single_price, currency: deal.currency, exponent: deal.exponent ?? 2 };
  return (
    <DealForm products={[]} deal={deal} draft={draft} basis={basis} busy={busy} trouble={trouble} onDraft={setDraft} onClose={onDone}
      onPlan={(plan) => void act(() => client.run(changeDeal(deal.id, draft, plan))).then((done) => done && onDone())} />
  );
}
