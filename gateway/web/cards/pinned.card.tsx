/** The pinned message: in every viewer's sight until the host takes it away. */

import { Pin as PinIcon } from "../shared/icons";
import { strings } from "../shared/strings";
import { useAct } from "../shared/act";
import { Words } from "../shared/words";
import type { Card, CardProps } from "./registry";

function ForViewer({ state }: CardProps) {
  if (!state.pinned) return null;
  return (
    <aside class="card pinned" aria-label={strings.pinned}>
      <PinIcon />
      <p>
        <span class="card-title">{strings.pinned}</span>
        <Words class="card-text">{state.pinned.text}</Words>
      </p>
    </aside>
  );
}

function ForHost({ client, state }: CardProps) {
  const { act, busy, trouble } = useAct();
  if (!state.pinned) return null;
  return (
    <aside class="card pinned" aria-label={strings.pinned}>
      <PinIcon />
      <p>
        <span class="card-title">{strings.pinned}</span>
        <Words class="card-text">{state.pinned.text}</Words>
        {trouble}
      </p>
      <button type="button" class="quiet" disabled={busy} onClick={() => act(() => client.pin(null))}>{strings.hostPage.unpin}</button>
    </aside>
  );
}

export default { id: "pinned", order: 10, viewer: ForViewer, host: ForHost } satisfies Card;
