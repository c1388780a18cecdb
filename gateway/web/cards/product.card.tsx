/** Product: what the host shows just now. */

import type { Product } from "@sdk";
import type { ComponentChildren } from "preact";
import { useAct } from "../shared/act";
import { money } from "../shared/format";
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
  if (!state.featured) return null;
  return (
    <Shown product={state.featured}>
      <button type="button" class="quiet" disabled={busy} onClick={() => act(() => client.run({ t: "feature", product: null }))}>{words.takeAway}</button>
      {trouble}
    </Shown>
  );
}

export default { id: "product", order: 8, viewer: ForViewer, host: ForHost } satisfies Card;
