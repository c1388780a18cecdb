/** useList: a list that the API gives page by page, newest first; read again when something it depends on changes. */

import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../../shared/api";
import { failure } from "../../shared/failure";

const PAGE = 50;
/** Changes come in bursts; one reading does for all of a moment. */
const CALM_MS = 700;

interface Page<Item> {
  readonly items: readonly Item[];
  readonly next?: string | null;
}

export interface List<Item> {
  /** Undefined: not read yet. */
  readonly items: readonly Item[] | undefined;
  readonly trouble: string | undefined;
  /** Read the next page; undefined: there is none. */
  readonly more: (() => void) | undefined;
  readonly again: () => void;
}

/**
 * @param path of the list, without a query.
 * @param stamp read again when it changes.
 */
export function useList<Item>(path: string, stamp: unknown): List<Item> {
  const [page, setPage] = useState<Page<Item>>();
  const [trouble, setTrouble] = useState<string>();
  const [asked, setAsked] = useState(0);
  const turn = useRef(0);
  const read = (before?: string) => {
    const mine = ++turn.current;
    void api<Page<Item>>("GET", `${path}?limit=${PAGE}${before === undefined ? "" : `&before=${before}`}`).then(
      ({ items, next }) => {
        if (mine !== turn.current) return; // a later reading is under way
        setTrouble(undefined);
        setPage((known) => ({ items: before === undefined ? items : [...(known?.items ?? []), ...items], next: next ?? null }));
      },
      (error: unknown) => mine === turn.current && setTrouble(failure(error).text),
    );
  };
  useEffect(() => {
    const timer = setTimeout(() => read(), page === undefined ? 0 : CALM_MS);
    return () => clearTimeout(timer);
  }, [path, stamp, asked]);
  useEffect(() => () => { turn.current = -1; }, []);
  const next = page?.next;
  return { items: page?.items, trouble, more: next == null ? undefined : () => read(next), again: () => setAsked(asked + 1) };
}
