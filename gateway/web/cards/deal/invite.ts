/**
 * Invite: taken out of the address when the page opens, before anything clears
 * it, and kept for this tab: it outlives signing in, and the way to the checkout and back.
 */

import { useEffect, useState } from "preact/hooks";
import { roomOfPage } from "../../shared/session";

const INVITED = /[#&]team=([0-9a-z]{13})\.([A-Za-z0-9_-]{22})/;

export interface Invite {
  readonly deal: string;
  readonly code: string;
}

/** The invite in a fragment; null: there is none. */
export function inviteIn(hash: string): Invite | null {
  const found = INVITED.exec(hash);
  return found?.[1] && found[2] ? { deal: found[1], code: found[2] } : null;
}

/** The address that lets somebody into a team. */
export const inviteLink = (deal: string, code: string) => `${location.origin}${location.pathname}#team=${deal}.${code}`;

const key = () => `livestream.invite.${roomOfPage()}`;
let current: Invite | null = null;

function keep(invite: Invite | null): void {
  current = invite;
  try {
    if (invite) sessionStorage.setItem(key(), `#team=${invite.deal}.${invite.code}`);
    else sessionStorage.removeItem(key());
  } catch {
    // a browser that keeps nothing: it lasts as long as the page
  }
}

function kept(): Invite | null {
  try {
    return inviteIn(sessionStorage.getItem(key()) ?? "");
  } catch {
    return null;
  }
}

if (typeof location !== "undefined") keep(inviteIn(location.hash) ?? kept());

/** The invite this page was opened with, and a way to put it away. */
export function useInvite(): readonly [Invite | null, () => void] {
  const [invite, setInvite] = useState(current);
  useEffect(() => {
    // Another link, opened in this very tab, changes the fragment alone.
    const changed = () => {
      const found = inviteIn(location.hash);
      if (!found) return;
      keep(found);
      history.replaceState(null, "", location.pathname + location.search);
      setInvite(found);
    };
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return [invite, () => { keep(null); setInvite(null); }];
}
