/** Group buys on the pages: what the form comes to, how an own seat stands in words, who is named, where an invite is. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { inviteIn } from "../../gateway/web/cards/deal/invite";
import { leftOutOf, newsOf } from "../../gateway/web/cards/deal/news";
import { changeDeal, type Draft, draftOf, FRESH, minor, openDeal, percentOff, type Plan, planOf, price } from "../../gateway/web/cards/deal/plan";
import { reread, spreadMs } from "../../gateway/web/cards/deal/reread";
import { bought, shownDeals, standing, told } from "../../gateway/web/cards/deal/standing";
import type { Deal, OwnSeat, Push } from "../../gateway/web/sdk/src/protocol";
import { apply, EMPTY } from "../../gateway/web/sdk/src/state";

const EUR = { price: 1600, currency: "EUR", exponent: 2 };
const draft = (changes: Partial<Draft>): Draft => ({ ...FRESH, product: "cup", ...changes });
const steps = (...pairs: [string, string][]) => ({ steps: pairs.map(([people, cost]) => ({ people, price: cost })) });

const DEAL = {
  id: "d1", product: "cup", title: "Cup", state: "open", currency: "EUR", exponent: 2, stock: 50,
  terms: { single_price: 1600, steps: [{ people: 2, price: 1200 }, { people: 3, price: 1000 }], life_s: 600 },
} as Deal;
const seat = (changes: object, team: object = {}): OwnSeat =>
  ({ seat: "s1", at: 40, state: "held", amount: 1200, team: { id: "t1", deal: "d1", state: "forming", size: 3, deadline: 100, ...team }, ...changes }) as OwnSeat;

test("amounts are read to the minor unit and never rounded", () => {
  assert.deepEqual(["12", "12.5", "12,50", " 0.07 ", "1.", "12.505", "-3", "1e3", "", "x", "1200"].map((text) => minor(text, 2)), [1200, 1250, 1250, 7, 100, null, null, null, null, null, 120000]);
  assert.deepEqual(["300", "300.5"].map((text) => minor(text, 0)), [300, null]);
});

test("a price in percent is off the single price, and the remainder is the buyer's", () => {
  assert.deepEqual(["−20 %", "-20%", "20 %", "33%", "0 %"].map((text) => price(text, 999, 2)), [799, 799, 799, 669, 999]);
  assert.equal(percentOff(669, 999), 33);
  assert.equal(percentOff(1000, 999), 0);
});

test("what is wrong with the terms is said before they are sent", () => {
  const problem = (changes: Partial<Draft>) => planOf(draft(changes), EUR);
  assert.equal(problem(steps(["3", ""])), "price");
  assert.equal(problem(steps(["3", "0"])), "price");
  assert.equal(problem({ ...steps(["3", "12"]), single: "dear" }), "single");
  assert.equal(problem(steps(["1", "12"])), "people");
  assert.equal(problem(steps(["3", "12"], ["3", "11"])), "people");
  assert.equal(problem(steps(["2", "12"], ["11", "11"])), "people");
  assert.equal(problem(steps(["2", "12"], ["3", "12"])), "falling");
  assert.equal(problem(steps(["2", "16"])), "alone");
  assert.equal(problem({ ...steps(["2", "12"]), leader: "12" }), "leader");
  assert.equal(problem({ ...steps(["3", "12"]), stock: "3" }), "stock");
});

test("less than half of the single price wants a yes, half does not", () => {
  const low = (cost: string) => (planOf(draft(steps(["2", cost])), EUR) as Plan).low;
  assert.deepEqual(["8", "7.99"].map(low), [false, true]);
  const led = planOf(draft({ ...steps(["2", "8"]), leader: "0.01" }), EUR) as Plan;
  assert.deepEqual([led.low, led.least], [true, 799]); // what the leader pays counts
});

test("the form makes a command with everything in it, and leaves out what the server knows better", () => {
  const typed = draft({ ...steps(["2", "−20 %"], ["3", "11"]), stock: "50", window: "", leader: "1", reference: " G-7 ", newOnly: true, variant: "blue", low: true });
  assert.deepEqual(openDeal(typed, planOf(typed, EUR) as Plan), {
    t: "open_deal", product: "cup", variant: "blue", steps: [{ people: 2, price: 1280 }, { people: 3, price: 1100 }], stock: 50, units: 1,
    leader_discount: 100, life_s: 600, hold_s: 90, per_viewer: 1, share: 80, new_only: true, low_price: true, reference: "G-7",
  });
});

test("an edit begins with the rules of today, and what viewers are not told stays as it is", () => {
  const begun = draftOf(DEAL);
  assert.deepEqual(changeDeal("d1", begun, planOf(begun, EUR) as Plan), {
    t: "change_deal", deal: "d1", steps: DEAL.terms.steps, leader_discount: 0, life_s: 600, per_viewer: 1, new_only: false, low_price: false,
  });
});

test("a viewer sees every open deal, and each that is over only if something of theirs is in it", () => {
  const deals = ["a", "b", "c", "d"].map((id, at) => ({ ...DEAL, id, state: at < 2 ? "open" : "closed" }) as Deal);
  const mine = seat({ order: "returned", state: "released" }, { deal: "c", state: "expired" });
  const shown = (state: object, invited?: string) => shownDeals(deals, { ...EMPTY, ...state }, invited).map(({ id }) => id);
  assert.deepEqual(shown({ seats: [mine] }), ["c", "b", "a"]);
  assert.deepEqual(shown({}, "a"), ["a", "b"]);
});

test("a deal that was closed is shown while teams of it have free seats, one that was taken back is said to be", () => {
  const deals = ["c", "d", "e"].map((id) => ({ ...DEAL, id, state: id === "e" ? "voided" : "closed" }) as Deal);
  const shown = (values: Record<string, number>) => shownDeals(deals, { ...EMPTY, values }, undefined).map(({ id }) => id);
  assert.deepEqual(shown({ deal_c_seats: 0, deal_d_seats: 2 }), ["e", "d"]);
  assert.deepEqual(shown({}), ["e"]);
});

test("bought is what the server counts: an order that lapsed or went back leaves its seat confirmed, and room to buy again", () => {
  const orders = ["placed", "confirming", "confirmed", "unpaid", "lapsed", "returning", "returned"] as const;
  const seats = orders.map((order) => seat({ seat: order, state: "confirmed", order }, { state: "complete" }));
  assert.deepEqual(seats.map((one) => bought([one], "d1")), [0, 1, 1, 1, 0, 0, 0]);
  assert.deepEqual([bought(seats, "d1"), bought(seats, "d2"), bought([seat({ state: "paid" })], "d1")], [3, 0, 0]);
});

test("a deal that runs is not pushed out by eleven that ended", () => {
  const opened = (id: string) => ({ t: "log", seq: 1, at: 1, event: { t: "deal_opened", deal: { ...DEAL, id } } }) as Push;
  const closed = (id: string) => ({ t: "log", seq: 1, at: 1, event: { t: "deal_closed", id } }) as Push;
  const flash = Array.from({ length: 11 }, (_, at) => `f${at + 10}`);
  const state = [opened("a"), ...flash.flatMap((id) => [opened(id), closed(id)])].reduce(apply, EMPTY);
  assert.deepEqual(state.deals.map(({ id }) => id), ["a", ...flash.slice(2)]);
  assert.equal(apply(state, closed("a")).deals[0]?.state, "closed");
});

test("the seat to look at is the one something can be done about, and no order is lost from sight", () => {
  const unpaid = seat({ seat: "s1", state: "confirmed", order: "unpaid" }, { state: "complete" });
  const returned = seat({ seat: "s2", state: "released", order: "returned" }, { state: "expired" });
  const left = seat({ seat: "s3", state: "released", why: "left" });
  assert.deepEqual(standing([unpaid, returned, left], "d1"), { current: unpaid, past: [returned] });
  const held = seat({ seat: "s4" });
  assert.deepEqual(standing([unpaid, returned, left, held], "d1"), { current: held, past: [returned, unpaid] });
});

test("words tell what became of the money, and never promise more than is known", () => {
  const said = (own: OwnSeat, deal = DEAL) => { const { title, text } = told(deal, own); return `${title}. ${text ?? ""}`.trim(); };
  const done = { state: "confirmed", order: "confirmed", price: 1000 };
  assert.match(said(seat(done, { state: "complete" })), /complete.*Bought for €10\.00\. €2\.00 .*back/);
  assert.match(said(seat({ ...done, given_back: 300 }, { state: "complete" })), /Bought for €10\.00\..*€3\.00 of it went back/);
  assert.match(said(seat({ state: "released", order: "returning" }, { state: "expired" })), /did not fill.*€12\.00.*on their way/);
  assert.match(said(seat({ state: "released", why: "lapsed" })), /given up.*too late goes back/);
  assert.match(said(seat({ ...done, order: "unpaid", repay_until: 1 }, { state: "complete" })), /did not go through.*Pay again/);
  // The deal is voided, and this seat's own news is not here yet.
  assert.match(said(seat(done, { state: "complete" }), { ...DEAL, state: "voided" }), /took this group buy back.*on their way/);
});

test("news names those alone who chose to be seen", () => {
  const event = (names: string[]) => newsOf({ t: "team_completed", deal: "d1", people: 3, names })?.text;
  assert.deepEqual([event([]), event(["Ann"]), event(["Ann", "Bo", "Cy"])], ["A team of 3 is complete", "Ann and 2 more: team complete", "Ann, Bo, Cy: team complete"]);
  assert.equal(newsOf({ t: "seat_left", deal: "d1", team: "t1", deadline: 1 })?.text, "One seat left in a team");
  assert.match(newsOf({ t: "team_waived", deal: "d1", team: "t1", seats: 1, why: "thanks" })?.text ?? "", /shop filled 1 seat .*thanks/);
});

test("how many notices of teams a rush left out is told, whatever else is in the frame", () => {
  const one = { t: "seat_left", deal: "d1", team: "t1", deadline: 1 } as const;
  const left = (count: number) => ({ t: "teams_left_out", count }) as const;
  assert.deepEqual([[one], [one, left(40)], [left(3), one, left(2)]].map((events) => leftOutOf({ t: "live", events })), [0, 40, 5]);
  assert.equal(leftOutOf({ t: "live", left_out: 7 }), 0); // those are comments
});

test("an invite is found beside a ticket, and nothing else is taken for one", () => {
  const code = "A".repeat(21) + "_";
  assert.deepEqual(inviteIn(`#ticket=x&team=0123456789abc.${code}`), { deal: "0123456789abc", code });
  for (const hash of ["", "#team=", `#team=0123456789abc.${code.slice(1)}`, `#steam=0123456789abc.${code}`]) assert.equal(inviteIn(hash), null);
});

test("after a break the clocks of own seats that still run are later by as much, those of ended ones are not", () => {
  const running = seat({ seat: "s1", hold_until: 60 });
  const over = seat({ seat: "s2", state: "released" }, { state: "expired" });
  const unpaid = seat({ seat: "s3", state: "confirmed", order: "unpaid", repay_until: 90 }, { state: "complete" });
  const state = apply({ ...EMPTY, seats: [running, over, unpaid] }, { t: "log", seq: 1, at: 1, event: { t: "unfrozen", at: 50, shifted_ms: 5 } } as Push);
  assert.deepEqual(state.seats.map(({ team, hold_until, repay_until }) => [team.deadline, hold_until, repay_until]), [[105, 65, undefined], [100, undefined, undefined], [100, undefined, 95]]);
});

test("a notice of before the break that comes after it is moved, and one that is older than what is known is not taken", () => {
  const over = { t: "log", seq: 1, at: 1, event: { t: "unfrozen", at: 50, shifted_ms: 5 } } as Push;
  const notice = (at: number, deadline: number, number = 7) => ({ t: "notice", notice: number, at: 1, event: { t: "your_team", own: seat({ at }, { deadline }) } }) as Push;
  const shown = (...pushes: Push[]) => pushes.reduce(apply, EMPTY).seats.map(({ at, team }) => [at, team.deadline]);
  assert.deepEqual(shown(over, notice(49, 100)), [[49, 105]]);
  assert.deepEqual(shown(notice(50, 105), over), [[50, 105]]);
  assert.deepEqual(shown({ t: "own_seats", seats: [seat({ at: 60 }, { deadline: 105 })] }, notice(49, 100)), [[60, 105]]);
  assert.deepEqual(shown(over, { t: "your_seat", own: seat({}) }), [[40, 105]]);
  const late = [notice(60, 1, 9), notice(40, 2, 8)].reduce(apply, EMPTY);
  assert.equal(late.seatNotice, 9); // both were taken in, and need not come again
});

test("however often teams change, they are read once or twice in the time that a room's reads are spread over", async (context) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => mock.timers.reset());
  let random = 0;
  mock.method(Math, "random", () => (random = (random + 0.618) % 1));
  context.after(() => mock.restoreAll());
  for (const viewers of [100, 10_000]) {
    const asked: number[] = [];
    let now = 0;
    const reads = reread(() => Promise.resolve(asked.push(now)), () => undefined);
    const spread = spreadMs(viewers);
    assert.equal(spread, Math.max(2_000, viewers * 2));
    for (; now < 100 * spread; now += 250) {
      reads.soon(spread);
      mock.timers.tick(250);
    }
    assert.ok(asked.length < 220, `${viewers} viewers: ${asked.length} reads`);
    asked.forEach((at, index) => assert.ok(at - (asked[index - 1] ?? 0) <= spread + 250, `${viewers} viewers: none before ${at}`));
    reads.stop();
  }
});

test("the first read is spread as well, one that is due stands, and after the stop nothing is read nor taken", async (context) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => mock.timers.reset());
  const random = mock.method(Math, "random", () => 0.5);
  context.after(() => mock.restoreAll());
  let asked = 0;
  const taken: number[] = [];
  const reads = reread(() => Promise.resolve(++asked), (answer) => taken.push(answer));
  reads.soon(20_000);
  mock.timers.tick(9_999);
  random.mock.mockImplementation(() => 0.99);
  reads.soon(20_000);
  assert.equal(asked, 0);
  mock.timers.tick(1);
  assert.equal(asked, 1);
  await Promise.resolve();
  assert.deepEqual(taken, [1]);
  reads.soon(1_000);
  mock.timers.tick(1_000);
  reads.soon(1_000);
  reads.stop();
  await Promise.resolve();
  mock.timers.tick(1_000);
  assert.equal(asked, 2);
  assert.deepEqual(taken, [1]);
});
