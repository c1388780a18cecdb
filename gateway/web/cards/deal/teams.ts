/** Teams that somebody may join: those that anyone may, and the one of an invite. Read again when seats come and go. */

import type { Deal, RoomState, TeamView } from "@sdk";
import { useEffect, useMemo, useState } from "preact/hooks";
import { api } from "../../shared/api";
import { roomOfPage } from "../../shared/session";
import type { Invite } from "./invite";
import { reread, spreadMs } from "./reread";
import { seatsFree } from "./standing";

const SHOWN = 4;

const read = (deal: Deal, query: string) =>
  api<{ items: TeamView[] }>("GET", `/v1/rooms/${roomOfPage()}/deals/${deal.id}/teams?${query}`).then(({ items }) => items);

const spread = ({ values }: RoomState) => spreadMs(values["viewers"] ?? 0);

/** Teams that anyone may join, those that need least first; none while nobody looks. */
export function useTeams(deal: Deal, state: RoomState, wanted: boolean): readonly TeamView[] {
  const [teams, setTeams] = useState<readonly TeamView[]>([]);
  const free = seatsFree(deal, state);
  const reads = useMemo(() => reread(() => read(deal, `limit=${SHOWN}`), setTeams), [deal.id, wanted]);
  useEffect(() => reads.stop, [reads]);
  useEffect(() => {
    if (!wanted || free === 0) return setTeams([]);
    reads.soon(spread(state));
  }, [reads, deal.state, free, wanted, state.freezing === null]);
  return teams;
}

/** The team of an invite; undefined: not known yet; null: there is none. */
export function useInvited(deal: Deal, state: RoomState, invite: Invite): TeamView | null | undefined {
  const [team, setTeam] = useState<TeamView | null>();
  const reads = useMemo(() => reread(() => read(deal, `invite=${invite.code}`), ([found]) => setTeam(found ?? null)), [deal.id, invite.code]);
  useEffect(() => reads.stop, [reads]);
  useEffect(() => {
    // Invites are followed one by one: what everybody is told at once is a change.
    reads.soon(team === undefined ? 0 : spread(state));
  }, [reads, deal.state, seatsFree(deal, state), state.freezing === null]);
  return team;
}
