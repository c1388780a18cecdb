/** Teams that somebody may join: those that anyone may, and the one of an invite. Read again when seats come and go. */

import type { Deal, RoomState, TeamView } from "@sdk";
import { useEffect, useState } from "preact/hooks";
import { api } from "../../shared/api";
import { roomOfPage } from "../../shared/session";
import type { Invite } from "./invite";
import { seatsFree } from "./standing";

const SHOWN = 4;
/** A thousand viewers do not ask at once. */
const SPREAD_MS = 2_000;

const path = (deal: Deal) => `/v1/rooms/${roomOfPage()}/deals/${deal.id}/teams`;

/** Teams that anyone may join, those that need least first; none while nobody looks. */
export function useTeams(deal: Deal, state: RoomState, wanted: boolean): readonly TeamView[] {
  const [teams, setTeams] = useState<readonly TeamView[]>([]);
  const free = seatsFree(deal, state);
  useEffect(() => {
    if (!wanted || free === 0) return setTeams([]);
    const read = () => void api<{ items: TeamView[] }>("GET", `${path(deal)}?limit=${SHOWN}`).then(({ items }) => setTeams(items), () => undefined);
    const later = setTimeout(read, teams.length === 0 ? Math.random() * 300 : Math.random() * SPREAD_MS);
    return () => clearTimeout(later);
  }, [deal.id, deal.state, free, wanted, state.freezing === null]);
  return teams;
}

/** The team of an invite; undefined: not known yet; null: there is none. */
export function useInvited(deal: Deal, state: RoomState, invite: Invite): TeamView | null | undefined {
  const [team, setTeam] = useState<TeamView | null>();
  useEffect(() => {
    let here = true;
    const take = (found: TeamView | null) => here && setTeam(found);
    void api<{ items: TeamView[] }>("GET", `${path(deal)}?invite=${invite.code}`).then(({ items: [found] }) => take(found ?? null), () => undefined);
    return () => { here = false; };
  }, [deal.id, deal.state, invite.code, seatsFree(deal, state), state.freezing === null]);
  return team;
}
