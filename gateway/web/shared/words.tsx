/** Words of people, shown as text and as nothing else: in text nodes, and isolated, so that no mark in them turns what is around. */

import type { Role } from "@sdk";
import { hue, initial } from "./format";
import { strings } from "./strings";

export function Words({ children, class: name }: { children: string; class?: string }) {
  return <bdi class={name} dir="auto">{children}</bdi>;
}

export function Avatar({ of, name }: { of: string; name: string }) {
  return <span class={`avatar hue-${hue(of)}`} aria-hidden="true">{initial(name)}</span>;
}

export function RoleBadge({ role }: { role: Role | undefined }) {
  const label = role ? strings.roles[role] : "";
  return label ? <span class="role">{label}</span> : null;
}
