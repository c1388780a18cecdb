/** Api: what a page asks over HTTP, as who its tab is signed in. */

import { Refused } from "@sdk";
import { roomOfPage, tokenOf } from "./session";

type Method = "GET" | "POST" | "DELETE";

/** Ask; throws `Refused` as a command does. */
export async function api<Answer>(method: Method, path: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
  const token = tokenOf(roomOfPage());
  const response = await fetch(path, {
    method,
    headers: { "Content-Type": "application/json", ...headers, ...(token && { Authorization: `Bearer ${token}` }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as Answer & Failed;
  if (!response.ok) throw refused(response, answer);
  return answer;
}

/** The shop that this tab's token is of; undefined: nobody's. */
export function shopOfToken(): string | undefined {
  const [, claims] = tokenOf(roomOfPage())?.split(".") ?? [];
  if (!claims) return undefined;
  const { iss } = JSON.parse(atob(claims.replaceAll("-", "+").replaceAll("_", "/"))) as { iss?: string };
  return iss;
}

/** Have the browser keep a file that the API gives, as who this tab is; throws `Refused`. */
export async function download(path: string, name: string): Promise<void> {
  const token = tokenOf(roomOfPage());
  const response = await fetch(path, { headers: token ? { Authorization: `Bearer ${token}` } : {} });
  if (!response.ok) throw refused(response, (await response.json()) as Failed);
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser reads it a moment later
}

interface Failed {
  readonly error?: { readonly code: string; readonly text: string };
}

function refused(response: Response, { error }: Failed): Refused {
  return new Refused({ t: "error", ref: 0, temporary: false, ...(error ?? { code: "internal", text: response.statusText }) } as never);
}
