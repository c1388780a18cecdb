/** Mine: a viewer's own seat: the team filling, the clock, paying, inviting, leaving; and how it ended. */

import type { Deal, OwnSeat, PayAt } from "@sdk";
import { useEffect, useState } from "preact/hooks";
import { useAct } from "../../shared/act";
import { clock, money } from "../../shared/format";
import { Copy, Send } from "../../shared/icons";
import { keepPaying, paidLately } from "../../shared/keep";
import { strings } from "../../shared/strings";
import { Words } from "../../shared/words";
import type { CardProps } from "../registry";
import { inviteLink } from "./invite";
import { Ask, Dots, Names, seatsText } from "./parts";
import { free, seated, told } from "./standing";

const words = strings.deal;
const COPIED_MS = 2000;

interface MineProps extends CardProps {
  readonly deal: Deal;
  readonly own: OwnSeat;
  /** Of the room. */
  readonly now: number;
}

export function Mine({ client, deal, own, now }: MineProps) {
  const { act, busy, trouble } = useAct();
  const { tone, title, text } = told(deal, own);
  const forming = seated(own) && own.team.state === "forming";
  const asked = forming && (own.state === "held" || own.state === "paying");
  return (
    <div class={`deal-mine ${tone}`}>
      <div role="status">
        <p class="deal-told">{title}</p>
        {text && <p>{text}</p>}
      </div>
      {seated(own) && <Progress own={own} now={now} />}
      {forming && <Falls deal={deal} own={own} />}
      {(asked || own.order === "unpaid") && <Pay client={client} deal={deal} own={own} now={now} />}
      {forming && own.invite && free(own.team) > 0 && <Share deal={deal} invite={own.invite} />}
      {forming && <Leave deal={deal} own={own} busy={busy} onLeave={() => void act(() => client.run({ t: "leave_team", deal: deal.id, seat: own.seat }))} />}
      {trouble}
    </div>
  );
}

function Progress({ own, now }: { own: OwnSeat; now: number }) {
  const { team } = own;
  return (
    <>
      <p class="deal-progress">
        <Dots team={team} /> <span>{seatsText(team)}</span>
        {team.state === "forming" && <span class="deal-count"><b role="timer" class="deal-clock">{clock(team.deadline - now)}</b> <span class="faint">{words.timeLeft}</span></span>}
      </p>
      <Names team={team} also={own.leader ? words.leads : undefined} />
    </>
  );
}

/** With steps: what a full team costs. The price in the end follows the rules this team began with, which a later edit leaves alone. */
function Falls({ deal, own }: { deal: Deal; own: OwnSeat }) {
  const { steps } = deal.terms;
  const last = steps[steps.length - 1];
  if (!last || steps.length < 2 || last.people !== own.team.size || steps[0]?.price !== own.amount) return null;
  return <p class="faint">{words.falls(money(last.price, deal), last.people)}</p>;
}

function Pay({ client, deal, own, now }: { client: CardProps["client"]; deal: Deal; own: OwnSeat; now: number }) {
  const { act, busy, trouble } = useAct();
  const amount = money(own.price ?? own.amount, deal);
  const back = own.state === "paying" && paidLately(own.seat);
  const pay = () => void act(async () => {
    const { url } = (await client.run({ t: "pay_seat", deal: deal.id, seat: own.seat })) as PayAt;
    keepPaying(own.seat);
    location.assign(url);
  });
  const label = own.order === "unpaid" ? words.payAgain(amount) : own.state === "paying" ? words.payOn(amount) : words.pay(amount);
  return (
    <>
      {back && <p class="deal-note" role="status">{words.notHeard}</p>}
      <button type="button" class={back ? "quiet" : "primary wide"} disabled={busy} onClick={pay}>{label}</button>
      {own.order !== "unpaid" && own.hold_until != null && <p class="faint">{words.holdFor(clock(own.hold_until - now))} {words.refundable}</p>}
      {trouble}
    </>
  );
}

function Share({ deal, invite }: { deal: Deal; invite: string }) {
  const [copied, setCopied] = useState(false);
  const link = inviteLink(deal.id, invite);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => void navigator.clipboard?.writeText(link).then(() => setCopied(true), () => undefined);
  const share = () => void navigator.share({ title: deal.title, text: words.shareText(deal.title), url: link }).catch(() => undefined); // closed without sharing
  return (
    <div class="deal-share">
      <label for={`invite-${deal.id}`}>{words.inviteLink}</label>
      <div class="deal-link">
        <input id={`invite-${deal.id}`} value={link} readOnly onFocus={(event) => event.currentTarget.select()} />
        <button type="button" class="quiet" onClick={copy}><Copy /> <span aria-live="polite">{copied ? words.copied : words.copy}</span></button>
        {"share" in navigator && <button type="button" class="quiet" onClick={share}><Send /> {words.share}</button>}
      </div>
    </div>
  );
}

function Leave({ deal, own, busy, onLeave }: { deal: Deal; own: OwnSeat; busy: boolean; onLeave: () => void }) {
  const [asking, setAsking] = useState(false);
  if (!asking) return <button type="button" class="link" onClick={() => setAsking(true)}>{words.leave}</button>;
  const text = own.state === "paid" ? words.leavePaid(money(own.amount, deal)) : words.leaveAsk;
  return <Ask text={text} go={words.leave} stop={words.stay} busy={busy} onGo={onLeave} onStop={() => setAsking(false)} />;
}

/** Seats, orders and refunds of before. */
export function Past({ deal, past }: { deal: Deal; past: readonly OwnSeat[] }) {
  return (
    <details class="deal-past">
      <summary>{words.past(past.length)}</summary>
      <ul>
        {past.map((own) => {
          const { title, text } = told(deal, own);
          return <li key={own.seat}><b>{title}.</b> {text && <Words>{text}</Words>}</li>;
        })}
      </ul>
    </details>
  );
}
