/** Words of people, shown as text and as nothing else: in text nodes, and isolated, so that no mark in them turns what is around. */

import type { Role } from "@sdk";
import { hue, initial } from "./format";
import { strings } from "./strings";

/** No language puts more marks on one letter; a hundred would lie over the lines around it. */
const PILED = /(\p{M}{6})\p{M}+/gu;

export function Words({ children, class: name }: { children: string; class?: string }) {
  return <bdi class={name} dir="auto">{children.replace(PILED, "$1")}</bdi>;
}

export function Avatar({ of, name }: { of: string; name: string }) {
  return <span class={`avatar hue-${hue(of)}`} aria-hidden="true">{initial(name)}</span>;
}

export function RoleBadge({ role }: { role: Role | undefined }) {
  const label = role ? strings.roles[role] : "";
  return label ? <span class="role">{label}</span> : null;
}
