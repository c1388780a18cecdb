/** Api: what a page asks over HTTP, as who its tab is signed in. */

import { Refused } from "@sdk";
import { roomOfPage, tokenOf } from "./session";

type Method = "GET" | "POST" | "DELETE";

/** Ask; throws `Refused` as a command does. */
export async function api<Answer>(method: Method, path: string, body?: object): Promise<Answer> {
  const answer = await ask(method, path, body);
  return (await answer.json()) as Answer;
}

/** Ask for a file that is text. */
export async function apiText(path: string): Promise<string> {
  const answer = await ask("GET", path);
  return answer.text();
}

async function ask(method: Method, path: string, body?: object): Promise<Response> {
  const token = tokenOf(roomOfPage());
  const response = await fetch(path, {
    method,
    headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (response.ok) return response;
  const { error } = (await response.json()) as { error?: { code: string; text: string } };
  throw new Refused({ t: "error", ref: 0, temporary: false, ...(error ?? { code: "internal", text: response.statusText }) } as never);
}

/** The shop that this tab's token is of; undefined: nobody's. */
export function shopOfToken(): string | undefined {
  const [, claims] = tokenOf(roomOfPage())?.split(".") ?? [];
  if (!claims) return undefined;
  const { iss } = JSON.parse(atob(claims.replaceAll("-", "+").replaceAll("_", "/"))) as { iss?: string };
  return iss;
}
