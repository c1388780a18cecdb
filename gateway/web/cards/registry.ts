/**
 * Cards: what a feature shows on the two pages. A new feature adds one file
 * here, `<name>.card.tsx`, whose default export is its card; nothing else
 * on the pages needs to know.
 */

import type { Client, RoomState } from "@sdk";
import type { ComponentType } from "preact";

export interface CardProps {
  readonly client: Client;
  readonly state: RoomState;
}

export interface Card {
  readonly id: string;
  /** Lower stands higher. */
  readonly order: number;
  /** On the viewer page; returns null while there is nothing to show. */
  readonly viewer?: ComponentType<CardProps>;
  /** On the host page. */
  readonly host?: ComponentType<CardProps>;
}

const found = import.meta.glob<{ default: Card }>("./*.card.tsx", { eager: true });

export const cards: readonly Card[] = Object.values(found)
  .map((module) => module.default)
  .sort((one, other) => one.order - other.order);
