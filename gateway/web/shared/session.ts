/**
 * Session: from a link's one-use ticket to a token that lasts as long as the tab.
 *
 * The ticket stands in the fragment, which no server ever sees, and leaves the
 * address bar before it is used, so that no copied address carries it.
 */

export type SignIn =
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "none" }
  | { readonly kind: "used" }
  | { readonly kind: "away"; readonly ticket: string };

const storageKey = (room: string) => `livestream.token.${room}`;

/** The room that this page is about. */
export function roomOfPage(): string {
  return decodeURIComponent(location.pathname.split("/")[2] ?? "");
}

/** Use the ticket in the address, or the token of this tab. */
export async function signIn(room: string): Promise<SignIn> {
  const ticket = new URLSearchParams(location.hash.slice(1)).get("ticket");
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  if (ticket) return redeem(room, ticket);
  return kept(room);
}

/** Exchange a ticket for a token. */
export async function redeem(room: string, ticket: string): Promise<SignIn> {
  let response: Response;
  try {
    response = await fetch("/v1/tickets/redeem", { method: "POST", body: JSON.stringify({ ticket }) });
  } catch {
    return { kind: "away", ticket };
  }
  if (response.status >= 500) return { kind: "away", ticket };
  if (!response.ok) return { kind: "used" };
  const { token, expires_at } = (await response.json()) as { token: string; expires_at: number };
  sessionStorage.setItem(storageKey(room), JSON.stringify({ token, expires_at }));
  return { kind: "token", token };
}

/** The token of this tab, if it has one that holds. */
export function tokenOf(room: string): string | undefined {
  const known = kept(room);
  return known.kind === "token" ? known.token : undefined;
}

function kept(room: string): SignIn {
  try {
    const { token, expires_at } = JSON.parse(sessionStorage.getItem(storageKey(room)) ?? "{}") as Record<string, unknown>;
    if (typeof token === "string" && typeof expires_at === "number" && expires_at > Date.now()) return { kind: "token", token };
  } catch {
    // written by something else: as good as nothing
  }
  return { kind: "none" };
}

/** Be in another room as who one is in this one. */
export function carry(from: string, to: string): void {
  const token = sessionStorage.getItem(storageKey(from));
  if (token !== null) sessionStorage.setItem(storageKey(to), token);
}

/** Forget the token of this tab. */
export function signOut(room: string): void {
  sessionStorage.removeItem(storageKey(room));
}
