/** Webhooks: where they go, what became of the last ones, and sending again what failed. For operators alone. */

import { freshKey } from "@sdk";
import { useEffect, useState } from "preact/hooks";
import { useAct } from "../shared/act";
import { api, shopOfToken } from "../shared/api";
import { timeOfDay } from "../shared/format";
import { strings } from "../shared/strings";
import { Words } from "../shared/words";
import type { Card, CardProps } from "./registry";

const words = strings.webhooks;
const EVERY_MS = 5000;
const OVERLAP_S = 86_400; // receivers have a day to learn the new secret

interface Endpoint {
  readonly id: string;
  readonly url: string;
  readonly disabled_at: number | null;
  readonly disabled_reason: string | null;
}

interface Delivery {
  readonly id: string;
  readonly endpoint: string;
  readonly type: string;
  readonly at: number;
  readonly state: "pending" | "delivered" | "failed";
  readonly attempts: number;
  readonly next_at: number | null;
  readonly status: number | null;
  readonly error: string | null;
}

function ForHost({ client }: CardProps) {
  const [open, setOpen] = useState(false);
  if (client.me?.role !== "operator") return null;
  if (!open) return <div class="card-tool"><button type="button" class="quiet" onClick={() => setOpen(true)}>{words.begin}</button></div>;
  return <Page onClose={() => setOpen(false)} />;
}

function Page({ onClose }: { onClose: () => void }) {
  const { act, busy, trouble } = useAct();
  const [endpoints, setEndpoints] = useState<readonly Endpoint[]>([]);
  const [deliveries, setDeliveries] = useState<readonly Delivery[]>([]);
  const [url, setUrl] = useState("");
  const [secret, setSecret] = useState<string | null>(null);
  const [done, setDone] = useState<string | null>(null);
  const shop = `/v1/shops/${encodeURIComponent(shopOfToken() ?? "")}`;
  const read = async () => {
    setEndpoints((await api<{ items: Endpoint[] }>("GET", `${shop}/webhooks`)).items);
    setDeliveries((await api<{ items: Delivery[] }>("GET", `${shop}/deliveries?limit=20`)).items);
  };
  useEffect(() => {
    void act(read);
    const timer = setInterval(() => void read().catch(() => undefined), EVERY_MS); // a button says what is wrong
    return () => clearInterval(timer);
  }, []);
  const then = (ask: () => Promise<unknown>) => void act(async () => { setDone(null); await ask(); await read(); });
  const add = (event: Event) => {
    event.preventDefault();
    then(async () => {
      const made = await api<{ result: { secret: string } }>("POST", `${shop}/webhooks`, { url: url.trim() });
      setSecret(made.result.secret);
      setUrl("");
    });
  };
  const rotate = ({ id, url }: Endpoint, overlap_s: number) => {
    if (overlap_s === 0 && !confirm(words.leaked(url))) return;
    then(async () => {
      const key = { "Idempotency-Key": freshKey() };
      const made = await api<{ result: { secret: string } }>("POST", `${shop}/webhooks/${id}/rotate`, { overlap_s }, key);
      setSecret(made.result.secret);
    });
  };
  const remove = ({ id, url }: Endpoint) => {
    if (confirm(words.sure(url))) then(() => api("DELETE", `${shop}/webhooks/${id}`));
  };
  const replayFailed = ({ id }: Endpoint) => then(async () => {
    const made = await api<{ result: { replayed: number } }>("POST", `${shop}/webhooks/${id}/replay`, { since: 0 });
    setDone(words.replayed(made.result.replayed));
  });
  const of = (id: string) => endpoints.find((endpoint) => endpoint.id === id)?.url ?? words.gone;
  return (
    <section class="card form webhooks" aria-label={words.label}>
      <span class="card-title">{words.label}</span>
      <ul>
        {endpoints.map((endpoint) => (
          <li key={endpoint.id}>
            <Words>{endpoint.url}</Words> {endpoint.disabled_at != null && <span class="trouble">{words.off(endpoint.disabled_reason ?? "")}</span>}
            <span class="buttons">
              <button type="button" class="quiet" disabled={busy} onClick={() => then(() => api("POST", `${shop}/webhooks/${endpoint.id}/ping`))}>{words.ping}</button>
              <button type="button" class="quiet" disabled={busy} onClick={() => then(() => api("POST", `${shop}/webhooks/${endpoint.id}/${endpoint.disabled_at == null ? "disable" : "enable"}`))}>{endpoint.disabled_at == null ? words.disable : words.enable}</button>
              <button type="button" class="quiet" disabled={busy || endpoint.disabled_at != null} onClick={() => replayFailed(endpoint)}>{words.replayFailed}</button>
              <button type="button" class="quiet" disabled={busy} onClick={() => rotate(endpoint, OVERLAP_S)}>{words.rotate}</button>
              <button type="button" class="quiet" disabled={busy} onClick={() => rotate(endpoint, 0)}>{words.rotateNow}</button>
              <button type="button" class="quiet" disabled={busy} onClick={() => remove(endpoint)}>{words.remove}</button>
            </span>
          </li>
        ))}
      </ul>
      <form onSubmit={add}>
        <label>{words.add}<input type="url" value={url} onInput={(event) => setUrl(event.currentTarget.value)} placeholder="https://" required /></label>
        <button type="submit" class="quiet" disabled={busy || !url.trim()}>{words.go}</button>
      </form>
      {secret && <label>{words.secret}<input value={secret} readOnly onFocus={(event) => event.currentTarget.select()} /></label>}
      {done && <p role="status">{done}</p>}
      {trouble}
      <table>
        <thead><tr>{words.columns.map((column) => <th key={column}>{column}</th>)}<th /></tr></thead>
        <tbody>
          {deliveries.map((delivery) => (
            <tr key={delivery.id}>
              <td>{timeOfDay(delivery.at)}</td>
              <td>{delivery.type}</td>
              <td title={of(delivery.endpoint)}><span class={`badge ${delivery.state}`}>{words.states[delivery.state]}</span></td>
              <td>{delivery.attempts}</td>
              <td><Words>{delivery.error ?? (delivery.status == null ? "" : String(delivery.status))}</Words>{delivery.next_at != null && ` · ${words.next(timeOfDay(delivery.next_at))}`}</td>
              <td>{delivery.state !== "pending" && <button type="button" class="quiet" disabled={busy} onClick={() => then(() => api("POST", `${shop}/deliveries/${delivery.id}/replay`))}>{words.replay}</button>}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {deliveries.length === 0 && <p class="empty">{words.none}</p>}
      <button type="button" class="quiet" onClick={onClose}>{words.close}</button>
    </section>
  );
}

export default { id: "webhooks", order: 95, host: ForHost } satisfies Card;
