/** Offer: what a group buy costs, and the ways in: an invite, a team that needs one more, a team of one's own. */

import type { Deal } from "@sdk";
import { useState } from "preact/hooks";
import { useAct } from "../../shared/act";
import { clock, money } from "../../shared/format";
import { strings } from "../../shared/strings";
import { Words } from "../../shared/words";
import type { CardProps } from "../registry";
import type { Invite } from "./invite";
import { Dots, Names, seatsText, teamRule } from "./parts";
import { percentOff } from "./plan";
import { bought, free, joinable } from "./standing";
import { useInvited, useTeams } from "./teams";

const words = strings.deal;

interface OfferProps extends CardProps {
  readonly deal: Deal;
  readonly now: number;
  readonly signedIn: boolean;
  readonly invite: Invite | null;
  readonly forget: () => void;
  /** One was in a team here before: what it costs is known. */
  readonly again: boolean;
}

export function Offer(props: OfferProps) {
  const { client, state, deal, now, signedIn, invite, forget, again } = props;
  const { act, busy, trouble } = useAct();
  const [opening, setOpening] = useState(false);
  const [named, setNamed] = useState(false);
  const open = joinable(deal, state);
  const full = bought(state.seats, deal.id) >= (deal.terms.per_viewer ?? 1);
  const may = signedIn && !full && deal.state !== "voided";
  const teams = useTeams(deal, state, !full && open).filter((team) => team.deadline > now);
  const join = (into: { team: string } | { invite: string }) => act(() => client.run({ t: "join_team", deal: deal.id, show_name: named, ...into }));
  const mayOpen = may && deal.state === "open";
  const name = may && (mayOpen || teams.length > 0 || invite !== null) && (
    <label class="deal-tick"><input type="checkbox" checked={named} onChange={(event) => setNamed(event.currentTarget.checked)} /> <Words>{words.showName(client.me?.name ?? "")}</Words></label>
  );
  return (
    <div class="deal-offer">
      {!full && (!again || open) && <Prices deal={deal} />}
      {!full && <Stock deal={deal} left={state.values[`deal_${deal.id}_left`]} open={open} again={again} />}
      {!signedIn && open && <p class="deal-note info">{invite ? words.signInInvited : words.signIn}</p>}
      {full && open && <p class="faint">{words.limitReached}</p>}
      {invite && deal.state !== "voided" && (
        <Invited deal={deal} state={state} invite={invite} now={now} busy={busy} onForget={forget}
          onJoin={may ? () => void join({ invite: invite.code }).then((done) => done && forget()) : undefined} />
      )}
      {teams.length > 0 && (
        <div>
          <h4>{teams.every((team) => free(team) === 1) ? words.teams : words.teamsMore}</h4>
          <ul class="deal-teams">
            {teams.map((team) => (
              <li key={team.id}>
                <Dots team={team} />
                <span class="deal-team"><b>{words.needs(free(team))}</b> · <span class="deal-clock">{clock(team.deadline - now)}</span><Names team={team} /></span>
                {may && <button type="button" class="quiet" disabled={busy} aria-label={words.joinLabel(free(team), clock(team.deadline - now))} onClick={() => void join({ team: team.id })}>{words.join}</button>}
              </li>
            ))}
          </ul>
        </div>
      )}
      {!opening && name}
      {mayOpen && !opening && <button type="button" class={invite ? "quiet" : "primary wide"} disabled={deal.sold_out === true} onClick={() => setOpening(true)}>{words.open}</button>}
      {mayOpen && opening && (
        <Opening busy={busy} name={name} deal={deal} onStop={() => setOpening(false)}
          onGo={(listed) => void act(() => client.run({ t: "open_team", deal: deal.id, listed, show_name: named })).then((done) => done && setOpening(false))} />
      )}
      {trouble}
      {open && !full && <How deal={deal} />}
    </div>
  );
}

/** Of a deal with steps; one price alone stands in the head. */
function Prices({ deal }: { deal: Deal }) {
  const { steps, single_price } = deal.terms;
  if (steps.length < 2) return null;
  return (
    <ul class="deal-steps">
      {steps.map(({ people, price }) => (
        <li key={people}><span>{words.people(people)}</span> <b>{money(price, deal)}</b> <span class="deal-off">{words.off(percentOff(price, single_price))}</span></li>
      ))}
    </ul>
  );
}

function Stock({ deal, left, open, again }: { deal: Deal; left: number | undefined; open: boolean; again: boolean }) {
  if (deal.state === "voided") return <p class="deal-note">{!again && words.voided} {deal.why && <Words>{words.because(deal.why)}</Words>}</p>;
  if (deal.state === "closed") return open ? <p class="deal-note">{words.closing}</p> : <p class="faint">{words.closed}</p>;
  if (deal.state === "paused") return <p class="deal-note">{words.paused}</p>;
  if (deal.sold_out) return <p class="deal-note">{words.soldOut}</p>;
  const { steps } = deal.terms;
  const said = [steps.length === 1 && words.teamOf(steps[0]?.people ?? 0), left !== undefined && words.left(left)].filter((each) => each !== false);
  return <p class="faint">{said.length > 0 && <b class="deal-left">{said.join(" · ")}.</b>} {words.promise(money(steps[0]?.price ?? 0, deal))}</p>;
}

interface InvitedProps {
  readonly deal: Deal;
  readonly state: CardProps["state"];
  readonly invite: Invite;
  readonly now: number;
  readonly busy: boolean;
  /** Left out: this viewer may not. */
  readonly onJoin: (() => void) | undefined;
  readonly onForget: () => void;
}

function Invited({ deal, state, invite, now, busy, onJoin, onForget }: InvitedProps) {
  const team = useInvited(deal, state, invite);
  if (team === undefined) return null;
  const going = team?.state === "forming" && team.deadline > now;
  return (
    <div class="deal-invited">
      <h4>{words.invited}</h4>
      {team && going && <p class="deal-progress"><Dots team={team} /> <span>{seatsText(team)}</span> <b role="timer" class="deal-clock">{clock(team.deadline - now)}</b></p>}
      {team && going && <Names team={team} />}
      {!team && <p>{words.invitedUnknown}</p>}
      {team && !going && <p>{words.invitedOver}</p>}
      {team && going && free(team) === 0 && <p>{words.invitedFull}</p>}
      <div class="buttons">
        {team && going && onJoin && <button type="button" class="primary" disabled={busy || free(team) === 0} onClick={onJoin}>{words.joinInvite}</button>}
        <button type="button" class="quiet" onClick={onForget}>{words.forget}</button>
      </div>
    </div>
  );
}

interface OpeningProps {
  readonly deal: Deal;
  readonly busy: boolean;
  readonly name: preact.ComponentChildren;
  readonly onGo: (listed: boolean) => void;
  readonly onStop: () => void;
}

function Opening({ deal, busy, name, onGo, onStop }: OpeningProps) {
  const [listed, setListed] = useState(true);
  const choice = (value: boolean, label: string) => (
    <label class="deal-tick"><input type="radio" name={`who-${deal.id}`} checked={listed === value} onChange={() => setListed(value)} /> <span>{label}</span></label>
  );
  return (
    <form class="deal-opening" aria-label={words.openTitle} onSubmit={(event) => { event.preventDefault(); onGo(listed); }} onKeyDown={(event) => event.key === "Escape" && onStop()}>
      <fieldset><legend>{words.who}</legend>{choice(true, words.anyone)}{choice(false, words.inviteOnly)}</fieldset>
      {name}
      <div class="buttons">
        <button type="submit" class="primary" disabled={busy} autofocus>{words.openGo}</button>
        <button type="button" class="quiet" onClick={onStop}>{words.notNow}</button>
      </div>
    </form>
  );
}

/** The rules in full, before anybody pays. */
function How({ deal }: { deal: Deal }) {
  const { steps, life_s, leader_discount, per_viewer, new_only, units } = deal.terms;
  const last = steps[steps.length - 1];
  if (!last) return null;
  return (
    <details class="deal-how">
      <summary>{words.how}</summary>
      <ul>
        <li>{teamRule(steps, life_s)}</li>
        <li>{steps.length > 1 ? words.rules.steps : words.rules.one(money(last.price, deal))}</li>
        <li>{words.promise(money(steps[0]?.price ?? 0, deal))}</li>
        {leader_discount ? <li>{words.rules.leader(money(leader_discount, deal))}</li> : null}
        <li>{words.rules.limit(per_viewer ?? 1)}</li>
        {units != null && units > 1 && <li>{words.rules.units(units)}</li>}
        {new_only && <li>{words.newOnly}</li>}
        {deal.tax_included === false && <li>{words.rules.tax}</li>}
      </ul>
    </details>
  );
}

