/** TeamList: the teams of a group buy, those that are not decided first; their missing seats can be filled as the shop, which everybody is told. */

import type { Deal, TeamView } from "@sdk";
import { useState } from "preact/hooks";
import { useAct } from "../../shared/act";
import { clock } from "../../shared/format";
import { strings } from "../../shared/strings";
import type { CardProps } from "../registry";
import { roomOfPage } from "../../shared/session";
import { Ask, Dots, Names, seatsText } from "./parts";
import { free, roomNow } from "./standing";
import { Folded } from "./folded";
import { useList } from "./use-list";

const words = strings.deal;

interface TeamListProps extends CardProps {
  readonly deal: Deal;
  /** Changes when the teams may have. */
  readonly stamp: string;
}

export function TeamList(props: TeamListProps) {
  return <Folded title={words.teamList}>{() => <Teams {...props} />}</Folded>;
}

function Teams({ client, state, deal, stamp }: TeamListProps) {
  const list = useList<TeamView>(`/v1/rooms/${roomOfPage()}/deals/${deal.id}/teams`, stamp);
  const [waiving, setWaiving] = useState<string | null>(null);
  const { act, busy, trouble } = useAct();
  const now = roomNow(client.now(), state);
  const waive = (team: string, why: string) => void act(() => client.run({ t: "waive_team", deal: deal.id, team, why })).then((done) => {
    if (!done) return;
    setWaiving(null);
    list.again();
  });
  return (
    <>
      {list.trouble && <p class="trouble" role="alert">{list.trouble}</p>}
      {list.items?.length === 0 && <p class="faint">{words.noTeams}</p>}
      <ul class="deal-teams">
        {(list.items ?? []).map((team) => (
          <li key={team.id} class={team.state}>
            <Dots team={team} />
            <span class="deal-team">
              <b>{words.teamStates[team.state]}</b> · {seatsText(team)}
              {team.state === "forming" && <> · <span class="deal-clock">{clock(team.deadline - now)}</span></>}
              <Names team={team} />
            </span>
            {team.state === "forming" && free(team) > 0 && deal.state !== "voided" && waiving !== team.id && (
              <button type="button" class="quiet" aria-label={words.waiveLabel(free(team))} onClick={() => setWaiving(team.id)}>{words.waive}</button>
            )}
            {waiving === team.id && <Ask text={words.waiveAsk(free(team))} go={words.waiveGo} why={words.waiveWhy} busy={busy} onGo={(why) => waive(team.id, why)} onStop={() => setWaiving(null)} />}
          </li>
        ))}
      </ul>
      {trouble}
      <div class="buttons">
        {list.more && <button type="button" class="quiet" onClick={list.more}>{words.further}</button>}
        <button type="button" class="quiet" onClick={list.again}>{words.again}</button>
      </div>
    </>
  );
}
