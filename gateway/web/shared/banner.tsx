/** Banner: says that the line is broken, and what happens next; says nothing while all is well. */

import type { Client, Status } from "@sdk";
import { useEffect, useState } from "preact/hooks";
import { strings } from "./strings";

/** A blink of the line is nobody's business. */
const PATIENCE_MS = 600;

export function Banner({ client, status }: { client: Client; status: Status }) {
  const broken = status.kind !== "open";
  const patient = useDelayed(broken, PATIENCE_MS);
  useEffect(() => {
    const back = () => client.retryNow();
    addEventListener("online", back);
    return () => removeEventListener("online", back);
  }, [client]);
  if (status.kind === "closed") {
    const text = strings.closed[status.code] ?? strings.closed.default;
    return (
      <div class="banner closed" role="alert">
        <span>{text}</span>
        <button type="button" onClick={() => client.retryNow()}>{strings.closed.again}</button>
      </div>
    );
  }
  return (
    <div class="banner-place" role="status">
      {broken && patient && (
        <div class="banner">
          <span class="spinner" />
          <span>{wording(client, status)}</span>
          {status.kind === "waiting" && <button type="button" onClick={() => client.retryNow()}>{strings.connection.retry}</button>}
        </div>
      )}
    </div>
  );
}

function wording(client: Client, status: Status): string {
  if (!navigator.onLine) return strings.connection.offline;
  return status.kind === "connecting" && !client.me ? strings.connection.connecting : strings.connection.reconnecting;
}

function useDelayed(value: boolean, ms: number): boolean {
  const [delayed, setDelayed] = useState(false);
  useEffect(() => {
    if (!value) {
      setDelayed(false);
      return;
    }
    const timer = setTimeout(() => setDelayed(true), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return delayed && value;
}
