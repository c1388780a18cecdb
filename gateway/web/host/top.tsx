/** Top: which room, whether we are connected, and the way to the viewers' page. */

import type { Client, Status } from "@sdk";
import { useEffect, useState } from "preact/hooks";
import { Copy, Open } from "../shared/icons";
import { strings } from "../shared/strings";
import { Words } from "../shared/words";

const words = strings.hostPage;

interface Props {
  readonly client: Client;
  readonly status: Status;
  readonly title: string;
  readonly room: string;
  readonly onSignOut: () => void;
}

export function Top({ client, status, title, room, onSignOut }: Props) {
  const link = `${location.origin}/r/${encodeURIComponent(room)}`;
  return (
    <header class="top">
      <img src="/assets/icon.svg" width="34" height="34" alt="" />
      <div class="top-title">
        <h1><Words>{title || room}</Words></h1>
        <p class={`line is-${status.kind}`} data-testid="connection">
          {status.kind === "open" ? strings.connection.connected : status.kind === "closed" ? strings.connection.closed : strings.connection.connecting}
          {client.me?.name && <> · <Words>{client.me.name}</Words></>}
        </p>
      </div>
      <div class="buttons">
        <CopyLink link={link} />
        <a class="button" href={link} target="_blank" rel="noreferrer"><Open /> <span>{words.openViewer}</span></a>
        <button type="button" class="quiet" onClick={onSignOut}>{words.signOut}</button>
      </div>
    </header>
  );
}

function CopyLink({ link }: { link: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(link);
      setCopied(true);
    } catch {
      prompt(words.copyLink, link); // the browser does not let us: then by hand
    }
  };
  return <button type="button" class="quiet" onClick={() => void copy()}><Copy /> <span aria-live="polite">{copied ? words.copied : words.copyLink}</span></button>;
}
