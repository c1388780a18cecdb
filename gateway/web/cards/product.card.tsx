/** Product: what the host shows just now. */

import type { Product } from "@sdk";
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useAct } from "../shared/act";
import { api } from "../shared/api";
import { money } from "../shared/format";
import { roomOfPage } from "../shared/session";
import { strings } from "../shared/strings";
import { Words } from "../shared/words";
import type { Card, CardProps } from "./registry";

const words = strings.product;

function Shown({ product, children }: { product: Product; children?: ComponentChildren }) {
  const [picture] = product.pictures ?? [];
  return (
    <aside class="card product" aria-label={words.label}>
      {picture && <img src={picture.url} alt={picture.alt ?? ""} width="64" height="64" loading="lazy" referrerpolicy="no-referrer" />}
      <div>
        <Words class="card-text">{product.title}</Words>
        <p class="price">
          <b>{money(product.price, product)}</b>{" "}
          {product.reference_price != null && product.reference_price > product.price && <s>{money(product.reference_price, product)}</s>}{" "}
          <span class="faint">{product.tax_included === false ? words.plusTax : ""}</span>
        </p>
        {product.stock != null && <p class="faint">{product.stock > 0 ? words.left(product.stock) : words.soldOut}</p>}
      </div>
      {product.url && <a class="button primary" href={product.url} target="_blank" rel="noreferrer noopener">{words.open}</a>}
      {children}
    </aside>
  );
}

function ForViewer({ state }: CardProps) {
  return state.featured && <Shown product={state.featured} />;
}

function ForHost({ client, state }: CardProps) {
  const { act, busy, trouble } = useAct();
  const [choice, setChoice] = useState<readonly Product[] | null>(null);
  if (choice) {
    const choose = (product: Product) => void act(() => client.run({ t: "feature", product: product.id })).then((done) => done && setChoice(null));
    return (
      <div class="card form choice" role="group" aria-label={words.choose} onKeyDown={(event) => event.key === "Escape" && setChoice(null)}>
        {choice.length === 0 && <p class="empty">{words.none}</p>}
        <ol>
          {choice.map((product) => (
            <li key={product.id}>
              <button type="button" class="quiet" disabled={busy} onClick={() => choose(product)}><Words>{product.title}</Words> <b>{money(product.price, product)}</b></button>
            </li>
          ))}
        </ol>
        <button type="button" class="quiet" autofocus onClick={() => setChoice(null)}>{strings.cancel}</button>
        {trouble}
      </div>
    );
  }
  const open = () => void act(async () => setChoice((await api<{ items: Product[] }>("GET", `/v1/rooms/${roomOfPage()}/products`)).items));
  if (!state.featured) return <div class="card-tool"><button type="button" class="quiet" disabled={busy} onClick={open}>{words.choose}…</button>{trouble}</div>;
  return (
    <Shown product={state.featured}>
      <button type="button" class="quiet" disabled={busy} onClick={open}>{words.another}</button>
      <button type="button" class="quiet" disabled={busy} onClick={() => act(() => client.run({ t: "feature", product: null }))}>{words.takeAway}</button>
      {trouble}
    </Shown>
  );
}

export default { id: "product", order: 8, viewer: ForViewer, host: ForHost } satisfies Card;
