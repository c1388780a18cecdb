/** Refunds: money that goes back only if a second operator agrees. For operators alone. */

import type { RefundRequest } from "@sdk";
import { useAct } from "../shared/act";
import { money } from "../shared/format";
import { strings } from "../shared/strings";
import { Words } from "../shared/words";
import type { Card, CardProps } from "./registry";

const words = strings.refunds;

function ForHost({ client, state }: CardProps) {
  const { act, busy, trouble } = useAct();
  const waiting = state.desk?.refunds ?? [];
  if (waiting.length === 0 || client.me?.role !== "operator") return null;
  const decide = ({ id, deal }: RefundRequest, confirm: boolean) =>
    void act(() => client.run(deal == null ? { t: "decide_refund", refund: id, confirm } : { t: "decide_order_refund", deal, refund: id, confirm }));
  const of = ({ purchase, deal, asked_by }: RefundRequest) => words.of(state.deals.find(({ id }) => id === deal)?.title ?? purchase, asked_by);
  return (
    <section class="card form" aria-label={words.label}>
      <span class="card-title">{words.label}</span>
      <ol>
        {waiting.map((refund) => (
          <li key={refund.id} class="refund">
            <span><b>{money(refund.amount, refund)}</b> <Words>{of(refund)}</Words>{refund.why && <> · <Words>{refund.why}</Words></>}</span>
            <span class="buttons">
              <button type="button" class="primary" disabled={busy} onClick={() => decide(refund, true)}>{words.confirm}</button>
              <button type="button" class="quiet" disabled={busy} onClick={() => decide(refund, false)}>{words.refuse}</button>
            </span>
          </li>
        ))}
      </ol>
      {trouble}
    </section>
  );
}

export default { id: "refunds", order: 2, host: ForHost } satisfies Card;
