/** Door: what somebody sees who has no way in: how to get one. */

import type { SignIn } from "../shared/session";
import { strings } from "../shared/strings";

const words = strings.hostPage;

export function Door({ kind, onAgain }: { kind: Exclude<SignIn["kind"], "token">; onAgain?: () => void }) {
  const text = { none: words.noLink, used: words.used, away: words.away }[kind];
  return (
    <main class="door">
      <div class="door-card" role="alert">
        <img src="/assets/icon.svg" width="44" height="44" alt="" />
        <h1>{text.title}</h1>
        <p>{text.text}</p>
        {kind === "away" ? (
          <button type="button" class="primary" onClick={onAgain}>{words.away.retry}</button>
        ) : (
          <>
            <pre><code>{words.noLink.command}</code></pre>
            <p class="faint">{words.noLink.after}</p>
          </>
        )}
      </div>
    </main>
  );
}
