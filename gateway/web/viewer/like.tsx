/** Like: taps are gathered and sent as a number; the total shows them at once. */

import { type Client, LIMITS } from "@sdk";
import { useEffect, useRef, useState } from "preact/hooks";
import { Heart } from "../shared/icons";
import { count, strings } from "../shared/strings";

const GATHER_MS = 400;
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export function Like({ client, total, enabled }: { client: Client; total: number; enabled: boolean }) {
  const [taps, setTaps] = useState(0);
  const waiting = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  const send = async () => {
    timer.current = undefined;
    const sending = Math.min(waiting.current, LIMITS.LIKES_PER_COMMAND);
    waiting.current = 0;
    await client.like(sending).catch(() => undefined); // a heart that is lost breaks nothing
    setTaps((before) => Math.max(0, before - sending));
  };
  const tap = () => {
    waiting.current += 1;
    setTaps((before) => before + 1);
    timer.current ??= setTimeout(() => void send(), GATHER_MS);
  };
  const shown = total + taps;
  return (
    <button type="button" class="like" disabled={!enabled} onClick={tap} aria-label={`${strings.like}. ${strings.likes(shown)}`}>
      <span class="like-heart" key={taps}><Heart /></span>
      <span class="like-total" data-testid="likes" title={count(shown)}>{compact.format(shown)}</span>
    </button>
  );
}
