// Generated from livestream/protocol by `make generate`. Change the structs there, not this file.

export type Role = "anonymous" | "viewer" | "moderator" | "host" | "operator" | "service";

export type ShowState = "scheduled" | "warm_up" | "live" | "paused" | "ended";

export type SanctionKind = "mute" | "ban";

export type RefundState = "asked" | "confirmed" | "refused";

export type DealState = "open" | "paused" | "closed" | "voided";

export type TeamState = "forming" | "settling" | "complete" | "expired" | "voided";

export type SeatState = "held" | "paying" | "paid" | "confirmed" | "released";

export type OrderState = "placed" | "confirming" | "confirmed" | "unpaid" | "lapsed" | "returning" | "returned";

export type DrawState = "announced" | "open" | "closed" | "drawn" | "settled" | "cancelled" | "void";

export type EntryKind = "click" | "password";

export type BeaconKind = "drand" | "cohosts" | "recorded";

export type VoidWhy = "late_root" | "missing_reveal";

export type PassedWhy = "unclaimed" | "declined" | "disqualified";

export type Lane = "direct" | "log" | "staff" | "live" | "gauge";

export type RateClass = "join" | "comment" | "like" | "staff" | "seat" | "read" | "other";

export type ErrorCode = "invalid" | "unknown_command" | "not_joined" | "already_joined" | "room_not_found" | "token_invalid" | "token_expired" | "ticket_invalid" | "sign_in_required" | "name_required" | "forbidden" | "rate_limited" | "busy" | "unavailable" | "outcome_unknown" | "key_reused" | "comments_closed" | "no_show" | "show_open" | "illegal_transition" | "message_not_found" | "comment_not_found" | "banned" | "name_refused" | "muted" | "buyers_only" | "slow_mode" | "link_refused" | "text_refused" | "person_not_found" | "not_staff" | "not_sanctioned" | "too_many" | "frozen" | "not_frozen" | "no_countdown" | "product_not_found" | "purchase_not_found" | "amount_refused" | "refund_not_found" | "second_person" | "id_taken" | "key_refused" | "key_not_found" | "last_key" | "time_zone_unknown" | "rehearsal" | "shop_not_found" | "webhook_not_found" | "webhook_target_refused" | "webhook_disabled" | "webhook_limit" | "delivery_not_found" | "deal_not_found" | "deal_closed" | "terms_refused" | "price_low" | "sold_out" | "teams_full" | "team_not_found" | "invite_invalid" | "team_closed" | "team_late" | "team_full" | "team_member" | "seat_taken" | "limit_reached" | "new_customers_only" | "seat_not_found" | "order_not_found" | "seat_lost" | "seat_paid" | "payment_refused" | "webhook_forged" | "draw_not_found" | "draw_not_open" | "draw_entered" | "draw_staff" | "draw_excluded" | "draw_not_eligible" | "draw_rules_refused" | "draw_active" | "draw_state" | "draw_queue_full" | "draw_not_drawn" | "reveal_refused" | "not_a_winner" | "claim_late" | "claimed" | "receipt_invalid" | "entry_not_found" | "template_not_found" | "internal";

/** What a host said. */
export interface HostMessage {
  /** Id of a comment, host message or show; sorts by time. */
  id: string;
  /** Of who said it. Stands for one viewer of one shop in public; the shop's own viewer id never leaves us. */
  by?: string;
  /** Display name of who said it. */
  name: string;
  text: string;
  /** Unix time in milliseconds, on the database's clock. */
  at: number;
  /** The comment it answers. Id of a comment, host message or show; sorts by time. */
  answers?: string | null;
  /** Null again when that comment was deleted. */
  answered_name?: string | null;
  answered_text?: string | null;
  /** Taken back: the texts are empty; leave its place. */
  retracted?: boolean;
}

/** A show of the room. */
export interface Show {
  /** Id of a comment, host message or show; sorts by time. */
  id: string;
  title: string;
  state: ShowState;
  /** As it was announced. Unix time in milliseconds, on the database's clock. */
  starts_at: number;
  /** When viewers could first talk in it: "in this show" is from here on. Unix time in milliseconds, on the database's clock. */
  began_at?: number | null;
  /** When it first went live. Unix time in milliseconds, on the database's clock. */
  live_at?: number | null;
  /** Unix time in milliseconds, on the database's clock. */
  ended_at?: number | null;
  /** In which it is announced. */
  time_zone?: string;
}

/** The rules of talking that hold now, for those who are not staff. */
export interface Chat {
  comment_chars?: number;
  /** Anonymous viewers may comment. */
  anonymous?: boolean;
  links?: boolean;
  /** Between two comments of one viewer. */
  slow_mode_s?: number;
  buyers_only?: boolean;
  approve_first?: boolean;
  /** Nobody of the staff is here, so stricter rules hold. */
  unattended?: boolean;
}

/** A technical break: every deadline of the room stands still since `at`. */
export interface Freezing {
  /** Unix time in milliseconds, on the database's clock. */
  at: number;
  /** Null: the app's own words. */
  message?: string | null;
  /** Where the video goes on meanwhile. */
  video_url?: string | null;
}

/** A technical break that is over: what was told as of before `at` ends later by so much. */
export interface Break {
  /** Unix time in milliseconds, on the database's clock. */
  at: number;
  shifted_ms: number;
}

/** A countdown on everybody's screen. */
export interface Clock {
  /** Id of a comment, host message or show; sorts by time. */
  id: string;
  title: string;
  /** On the database's clock; the video's delay is in it. Unix time in milliseconds, on the database's clock. */
  ends_at: number;
}

/** A picture of a product. */
export interface Picture {
  /** Absolute, http or https, without user and password. */
  url: string;
  /** Says what a picture shows. */
  alt?: string;
}

/** One form in which a product is sold. */
export interface ProductVariant {
  /** The shop's own number of a product. */
  id: string;
  title: string;
  /** Money in the currency's smallest unit, as `exponent` tells. */
  price: number;
  /** Units when it was shown; null: not counted. The present number is a gauge. */
  stock?: number | null;
}

/** A product as viewers see it. */
export interface Product {
  /** The shop's own number of a product. */
  id: string;
  title: string;
  /** Money in the currency's smallest unit, as `exponent` tells. */
  price: number;
  /** ISO 4217. */
  currency: string;
  /** Decimal places of the currency: 2 for cents, 0 for yen. */
  exponent?: number;
  tax_included?: boolean;
  /** What it costs, or cost, elsewhere or before. Money in the currency's smallest unit, as `exponent` tells. */
  reference_price?: number | null;
  /** Units when it was shown; null: not counted. */
  stock?: number | null;
  pictures?: Picture[];
  /** The shop's page of it. */
  url?: string | null;
  /** Address of a glTF or USDZ model. */
  ar_model?: string | null;
  variants?: ProductVariant[];
}

/** A room's settings that only staff see. */
export interface Policy {
  /** As set; while nobody is on duty stricter rules may hold. */
  chat: Chat;
  /** Comments shown a second; null: the deployment's. */
  display_per_s?: number | null;
  reports_to_hold?: number;
  unattended_after_s?: number;
  unattended_links?: boolean;
  unattended_slow_mode_s?: number;
  unattended_hold_reported?: boolean;
}

/** Somebody is muted or banned. */
export interface Sanction {
  /** Stands for one viewer of one shop in public; the shop's own viewer id never leaves us. */
  who: string;
  name: string;
  kind: SanctionKind;
  /** Unix time in milliseconds, on the database's clock. */
  at: number;
  /** Null: for ever. Unix time in milliseconds, on the database's clock. */
  until?: number | null;
  why?: string | null;
  /** Display name of who did it. */
  by?: string;
  /** Stands for one viewer of one shop in public; the shop's own viewer id never leaves us. */
  by_who?: string;
}

/** A comment that waits for staff. */
export interface HeldComment {
  /** Id of a comment, host message or show; sorts by time. */
  id: string;
  /** Stands for one viewer of one shop in public; the shop's own viewer id never leaves us. */
  by: string;
  name: string;
  text: string;
  /** Unix time in milliseconds, on the database's clock. */
  at: number;
  role?: Role;
  /** `words`, `approve_first`, `reported`, `review`. */
  why?: string;
}

/** A refund that staff asked for. */
export interface RefundRequest {
  /** Id of a comment, host message or show; sorts by time. */
  id: string;
  /** The shop's number of it; of a group buy, the order. */
  purchase: string;
  /** The group buy: `decide_order_refund` decides. Id of a comment, host message or show; sorts by time. */
  deal?: string | null;
  /** Money in the currency's smallest unit, as `exponent` tells. */
  amount: number;
  /** ISO 4217. */
  currency: string;
  /** Decimal places of the currency: 2 for cents, 0 for yen. */
  exponent?: number;
  why?: string;
  state: RefundState;
  /** Display name. */
  asked_by: string;
  /** Stands for one viewer of one shop in public; the shop's own viewer id never leaves us. */
  asked_by_who?: string;
  decided_by?: string | null;
  /** Stands for one viewer of one shop in public; the shop's own viewer id never leaves us. */
  decided_by_who?: string;
}

/** What a seat costs from so many members on. */
export interface DealStep {
  /** Members of a team. */
  people: number;
  /** Minor units of the deal's currency, for a seat. */
  price: number;
}

/** The rules for teams opened from now on; a team keeps those it was opened under. */
export interface DealTerms {
  version?: number;
  /** Of one who buys alone, in the shop. Money in the currency's smallest unit, as `exponent` tells. */
  single_price: number;
  /** Rising people, falling prices; the last is a full team. */
  steps: DealStep[];
  /** Off the leader's price. Money in the currency's smallest unit, as `exponent` tells. */
  leader_discount?: number;
  /** Of the product in one seat. */
  units?: number;
  /** How long a team has. */
  life_s: number;
  /** Seats one viewer may buy. */
  per_viewer?: number;
  /** Only people who never bought here may join a team; anyone may open one. */
  new_only?: boolean;
}

/** A group buy as everybody sees it. */
export interface Deal {
  /** Id of a comment, host message or show; sorts by time. */
  id: string;
  /** The shop's own number of a product. */
  product: string;
  /** The shop's own number of a product. */
  variant?: string | null;
  title: string;
  state: DealState;
  /** ISO 4217. */
  currency: string;
  /** Decimal places of the currency: 2 for cents, 0 for yen. */
  exponent?: number;
  tax_included?: boolean;
  terms: DealTerms;
  /** Unix time in milliseconds, on the database's clock. */
  closes_at?: number | null;
  /** Units at the start. */
  stock: number;
  /** For now: a team that fails gives its units back. */
  sold_out?: boolean;
  /** Why it was taken back. */
  why?: string | null;
  /** The shop's own number of it. */
  reference?: string | null;
}

/** A team as anyone may see it. */
export interface TeamView {
  /** Id of a comment, host message or show; sorts by time. */
  id: string;
  /** Id of a comment, host message or show; sorts by time. */
  deal: string;
  state: TeamState;
  size: number;
  /** Seats kept for people who have not paid yet. */
  held?: number;
  paid?: number;
  /** Seats that the shop filled by itself. */
  waived?: number;
  /** Unix time in milliseconds, on the database's clock. */
  deadline: number;
  /** Of members who chose to be seen, leader first. */
  names?: string[];
  /** What a seat costs in the end, once it is complete. */
  price?: number | null;
}

/** A viewer's own seat, with the team and what became of the money. */
export interface OwnSeat {
  /** Id of a comment, host message or show; sorts by time. */
  seat: string;
  /** As of when, by the room's clock, which stands still in a break; older news change nothing. Unix time in milliseconds, on the database's clock. */
  at: number;
  team: TeamView;
  state: SeatState;
  leader?: boolean;
  /** While the team forms. 128 random bits that let somebody into a team for as long as it takes members. */
  invite?: string | null;
  /** Pay before it. Unix time in milliseconds, on the database's clock. */
  hold_until?: number | null;
  /** At most; what is taken in the end is the price of the step reached. Money in the currency's smallest unit, as `exponent` tells. */
  amount: number;
  order?: OrderState | null;
  /** What the order costs, once that is known. Money in the currency's smallest unit, as `exponent` tells. */
  price?: number | null;
  /** Of the price, after it was confirmed. Money in the currency's smallest unit, as `exponent` tells. */
  given_back?: number;
  /** An unpaid order lapses then. Unix time in milliseconds, on the database's clock. */
  repay_until?: number | null;
  /** Why the seat was released. */
  why?: string | null;
}

/** Prizes of one kind. */
export interface PrizeTier {
  /** "First prize", say. */
  tier: string;
  /** What is won. */
  name: string;
  quantity?: number;
  /** Of one. Money in the currency's smallest unit, as `exponent` tells. */
  value: number;
  /** ISO 4217. */
  currency: string;
  /** Decimal places of the currency: 2 for cents, 0 for yen. */
  exponent?: number;
}

/** What must hold for a viewer when they enter; all of it. */
export interface DrawNeeds {
  /** Wrote a comment in this show that was not deleted. */
  commented?: boolean;
  /** Joined a team in this show. */
  team?: boolean;
  /** Bought something; many countries' law forbids to ask for it. */
  bought?: boolean;
  /** Has been in the room for so long. */
  watched_s?: number;
}

/** What an entry weighs: 1, and so much more for whom these hold when they enter, or when the draw closes. */
export interface DrawWeights {
  commented?: number;
  team?: number;
  bought?: number;
  /** For each full `watched_step_s` in the room before they enter, at most `watched_most` times. */
  watched?: number;
  watched_step_s?: number;
  watched_most?: number;
}

/** What a host sets up. It becomes the published rules when the draw opens. */
export interface DrawPlan {
  title: string;
  /** In the order they are drawn. */
  prizes: PrizeTier[];
  entry?: EntryKind;
  password?: string | null;
  needs?: DrawNeeds;
  /** The shop was warned what the law says of draws for buyers only, and goes on. */
  law_read?: boolean;
  /** Null: closed by hand. */
  seconds?: number | null;
  weights?: DrawWeights;
  /** Last draws of this room. */
  exclude_winners_of?: number;
  /** Who owes the prizes. */
  organiser: string;
  terms?: string;
  /** Where one must live; empty: anywhere. */
  region?: string;
  minimum_age?: number;
  /** Then the prize goes to a reserve. */
  claim_s?: number;
  beacon?: BeaconKind;
}

/** The shop signed that this entry is in: keep it, the checker reads it as it is. */
export interface DrawReceipt {
  protocol: "LTD1";
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw_id: string;
  /** 32 bytes, hex. */
  rules_hash: string;
  /** Stands for one viewer in one draw; says nothing of who it is. */
  entry_id: string;
  weight: number;
  /** Unix time in milliseconds, on the database's clock. */
  entered_ms: number;
  /** Ed25519, hex. */
  signature: string;
}

/** Who has a prize. */
export interface DrawWinner {
  /** Number of the prize from 0: all of the first tier, then the second. */
  prize: number;
  /** Number of the pick from 0; those past the number of prizes were reserves. */
  place: number;
  /** Stands for one viewer in one draw; says nothing of who it is. */
  entry: string;
  /** Masked. */
  name: string;
  /** They have it no longer, for this reason, and nobody has: no reserve was left. */
  lapsed?: PassedWhy | null;
}

/** Where one viewer stands in one draw. */
export interface OwnDraw {
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
  /** Of the draw. */
  title?: string;
  /** They are in. */
  receipt?: DrawReceipt | null;
  /** They won this one. */
  prize?: number | null;
  prize_title?: string;
  /** Then it goes to the next reserve. Unix time in milliseconds, on the database's clock. */
  claim_until?: number | null;
  claimed?: boolean;
  /** When the data of the claim is deleted. Unix time in milliseconds, on the database's clock. */
  delete_at?: number | null;
}

/** A draw as everybody sees it. */
export interface Draw {
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  id: string;
  title: string;
  state: DrawState;
  prizes: PrizeTier[];
  entry: EntryKind;
  /** The comment that is an entry. */
  password?: string | null;
  needs?: DrawNeeds;
  beacon: BeaconKind;
  /** Canonical JSON; what was signed is exactly these bytes. */
  rules?: string;
  rules_hash?: string;
  /** Unix time in milliseconds, on the database's clock. */
  opened_at?: number | null;
  /** At the latest; a freeze moves it. Unix time in milliseconds, on the database's clock. */
  closes_at?: number | null;
  /** The host closes it; `closes_at` is only the latest. */
  by_hand?: boolean;
  /** Co-hosts by name, in the order of their commitments. */
  parties?: string[];
  /** Unix time in milliseconds, on the database's clock. */
  closed_at?: number | null;
  /** Of the beacon, fixed at close; 0 for co-hosts. */
  round?: number;
  /** The root had to be out before. Unix time in milliseconds, on the database's clock. */
  beacon_at?: number | null;
  root?: string;
  /** Once the root is out. */
  entries?: number;
  weight?: number;
  /** Unix time in milliseconds, on the database's clock. */
  rooted_at?: number | null;
  /** Numbers, from 1, of the parties that revealed. */
  revealed?: number[];
  /** The beacon's 32 bytes. */
  value?: string;
  seed?: string;
  winners?: DrawWinner[];
  /** For who was drawn first. Unix time in milliseconds, on the database's clock. */
  claim_until?: number | null;
  /** It was cancelled, or is void. */
  why?: string | null;
}

/** What staff know of the room beside what everyone sees, at `staff_seq`. */
export interface StaffView {
  policy: Policy;
  /** Comments that wait for staff, oldest first. */
  held?: HeldComment[];
  /** Reports that wait for staff, oldest first. */
  reports?: Reported[];
  /** Oldest first. */
  sanctions?: Sanction[];
  /** That wait for a second operator. */
  refunds?: RefundRequest[];
}

/** Who the server takes this connection for. */
export interface Me {
  /** Stands for one viewer of one shop in public; the shop's own viewer id never leaves us. */
  id: string;
  role: Role;
  name?: string | null;
  /** When the token ends; come back with a new one before. Unix time in milliseconds, on the database's clock. */
  expires_at?: number | null;
  buyer?: boolean;
  muted?: Sanction | null;
  /** People this viewer does not want to see; empty after a resume: keep yours. */
  blocked?: string[];
}

/** What a client knows when it comes back. */
export interface Resume {
  token: string;
  /** Changes when the database was restored to an earlier point. */
  epoch: string;
  /** Position in a room's log; 0 is before the first event. */
  seq: number;
  /** Position in a room's log; 0 is before the first event. */
  staff_seq?: number;
}

/** Where a prize goes. It is deleted when it is no longer needed. */
export interface ClaimForm {
  name: string;
  address?: string;
  email?: string;
  phone?: string;
  note?: string;
}

/** A host message. */
export interface Said {
  t: "said";
  message: HostMessage;
}

/** A host message was taken back: empty its place, and the pin if it was that. */
export interface Retracted {
  t: "retracted";
  /** Id of a comment, host message or show; sorts by time. */
  message: string;
}

/** A retracted message is shown again at its place, if that is still in view. */
export interface Unretracted {
  t: "unretracted";
  message: HostMessage;
}

/** A host message was pinned; null: the pin was taken away. */
export interface Pinned {
  t: "pinned";
  message?: HostMessage | null;
}

/** A show was scheduled or changed its state. */
export interface ShowChanged {
  t: "show_changed";
  show: Show;
}

/** Comments were taken off the screen. They may still come over the live lane: remember the ids. */
export interface Deleted {
  t: "deleted";
  comments: string[];
}

/** Deleted comments are shown again. Those that a newcomer would not see are left out. */
export interface Restored {
  t: "restored";
  comments: Commented[];
}

/** Other rules of talking hold. */
export interface ChatChanged {
  t: "chat_changed";
  chat: Chat;
}

/** The room's title or the video's delay changed. */
export interface RoomChanged {
  t: "room_changed";
  title: string;
  video_delay_ms?: number;
}

/** A technical break began. */
export interface Frozen {
  t: "frozen";
  freezing: Freezing;
}

/** It is over: add `shifted_ms` to every deadline of the room that is still open. */
export interface Unfrozen {
  t: "unfrozen";
  /** Own seats that were told as of before then have clocks of before the break. Unix time in milliseconds, on the database's clock. */
  at: number;
  shifted_ms: number;
}

/** A countdown runs; it takes the place of another one. */
export interface CountdownStarted {
  t: "countdown_started";
  clock: Clock;
}

/** The countdown is over, or was taken away. */
export interface CountdownEnded {
  t: "countdown_ended";
  /** Id of a comment, host message or show; sorts by time. */
  id: string;
  cancelled?: boolean;
}

/** A product is shown to everybody; null: none any more. */
export interface Featured {
  t: "featured";
  product?: Product | null;
}

/** Another host presents now. */
export interface Presented {
  t: "presented";
  name: string;
  /** Stands for one viewer of one shop in public; the shop's own viewer id never leaves us. */
  who?: string;
}

/** Staff did something; the audit trail. */
export interface Acted {
  t: "acted";
  /** The shop's id of the person; empty: the server. */
  who: string;
  name: string;
  role: Role;
  command: string;
  /** What it did, in words. */
  what: string;
  why?: string | null;
  /** The command that would undo it, without `ref`. */
  undo?: Record<string, unknown> | null;
  /** Whom it concerns. */
  about?: string[];
}

/** Comments wait for staff. */
export interface Held {
  t: "held";
  comments: HeldComment[];
}

/** These comments wait no more, nor do reports about them. */
export interface Ruled {
  t: "ruled";
  comments: string[];
  shown: boolean;
}

/** A viewer told of a comment. */
export interface Reported {
  t: "reported";
  comment: HeldComment;
  /** So many viewers did by now. */
  reports: number;
}

/** Somebody was muted or banned; a new one of a kind takes the place of the old. */
export interface Sanctioned {
  t: "sanctioned";
  sanction: Sanction;
}

/** Somebody is no longer muted or banned. */
export interface Lifted {
  t: "lifted";
  /** Stands for one viewer of one shop in public; the shop's own viewer id never leaves us. */
  who: string;
  kind: SanctionKind;
}

/** The room's settings changed. */
export interface PolicyChanged {
  t: "policy_changed";
  policy: Policy;
}

/** The shop's word list changed. */
export interface WordsChanged {
  t: "words_changed";
  version: number;
}

/** A refund was asked for or decided. */
export interface RefundChanged {
  t: "refund_changed";
  refund: RefundRequest;
}

/** A person was erased: what was known of them is gone, and a fresh snapshot follows. */
export interface Erased {
  t: "erased";
}

/** A viewer's comment. */
export interface Commented {
  t: "comment";
  /** Id of a comment, host message or show; sorts by time. */
  id: string;
  /** Stands for one viewer of one shop in public; the shop's own viewer id never leaves us. */
  by: string;
  name: string;
  text: string;
  role?: Role;
}

/** So many have said the same as this comment by now. */
export interface Echoed {
  t: "echoed";
  /** Id of a comment, host message or show; sorts by time. */
  comment: string;
  times: number;
}

/** A signed-in viewer came in. */
export interface Arrived {
  t: "arrived";
  name: string;
}

/** A host answered your comment. */
export interface Answered {
  t: "answered";
  /** Id of a comment, host message or show; sorts by time. */
  comment: string;
  message: HostMessage;
}

/** Staff muted you in this room. */
export interface YouWereMuted {
  t: "you_were_muted";
  /** Null: for ever. Unix time in milliseconds, on the database's clock. */
  until?: number | null;
  why?: string | null;
}

/** You are no longer muted. */
export interface YouMayTalk {
  t: "you_may_talk";
}

/** Staff decided on a comment of yours that waited. */
export interface YourComment {
  t: "your_comment";
  /** Id of a comment, host message or show; sorts by time. */
  comment: string;
  shown: boolean;
}

/** The shop told us that you bought something: you count as a buyer from now on. */
export interface YouBought {
  t: "you_bought";
}

/** A group buy began. */
export interface DealOpened {
  t: "deal_opened";
  deal: Deal;
}

/** It was paused, resumed, edited or extended, is sold out, or has units again. */
export interface DealChanged {
  t: "deal_changed";
  deal: Deal;
}

/** No more teams. Voided: the shop took it back and everybody's money goes back. */
export interface DealClosed {
  t: "deal_closed";
  /** Id of a comment, host message or show; sorts by time. */
  id: string;
  voided?: boolean;
  why?: string | null;
}

/** The shop filled seats of a team by itself: everyone may know it was not people. */
export interface TeamWaived {
  t: "team_waived";
  /** Id of a comment, host message or show; sorts by time. */
  deal: string;
  /** Id of a comment, host message or show; sorts by time. */
  team: string;
  seats: number;
  why: string;
}

/** A team is complete. */
export interface TeamCompleted {
  t: "team_completed";
  /** Id of a comment, host message or show; sorts by time. */
  deal: string;
  people: number;
  names?: string[];
}

/** A team that anyone may join needs one more. */
export interface SeatLeft {
  t: "seat_left";
  /** Id of a comment, host message or show; sorts by time. */
  deal: string;
  /** Id of a comment, host message or show; sorts by time. */
  team: string;
  /** Unix time in milliseconds, on the database's clock. */
  deadline: number;
}

/** In a rush the newest few notices of teams are told: so many older ones were left out, of all deals. */
export interface TeamsLeftOut {
  t: "teams_left_out";
  count: number;
}

/** Something changed about your seat, its team or its order: this is how it stands. */
export interface YourTeam {
  t: "your_team";
  own: OwnSeat;
}

/** A draw stands in the queue. */
export interface DrawAnnounced {
  t: "draw_announced";
  draw: Draw;
}

/** A draw takes entries. Nothing in its rules changes any more. */
export interface DrawOpened {
  t: "draw_opened";
  draw: Draw;
}

/** Its entries are frozen; the beacon's round is fixed. */
export interface DrawClosed {
  t: "draw_closed";
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
  /** Unix time in milliseconds, on the database's clock. */
  closed_at: number;
  round?: number;
  /** Unix time in milliseconds, on the database's clock. */
  beacon_at?: number | null;
}

/** The list of its entries is published by its root: keep it with the time you saw it. */
export interface DrawRooted {
  t: "draw_rooted";
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
  /** 32 bytes, hex. */
  root: string;
  entries: number;
  weight: number;
  /** When it was published. Unix time in milliseconds, on the database's clock. */
  at: number;
  round?: number;
}

/** A co-host revealed what it committed to. */
export interface DrawRevealed {
  t: "draw_revealed";
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
  party: number;
  /** 32 bytes, hex. */
  secret: string;
}

/** The winners stand, and follow from what is public. */
export interface DrawDrawn {
  t: "draw_drawn";
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
  /** The beacon's. 32 bytes, hex. */
  value: string;
  /** 32 bytes, hex. */
  seed: string;
  winners: DrawWinner[];
  /** Unix time in milliseconds, on the database's clock. */
  claim_until: number;
}

/** A prize went on to the next reserve. */
export interface DrawPassedOn {
  t: "draw_passed_on";
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
  winner: DrawWinner;
  why?: PassedWhy;
}

/** Who had a prize has it no longer, and no reserve is left: it is nobody's. */
export interface DrawPrizeLapsed {
  t: "draw_prize_lapsed";
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
  prize: number;
  why: PassedWhy;
}

/** Every prize was claimed, or nobody is left to give it to. */
export interface DrawSettled {
  t: "draw_settled";
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
}

/** Called off before it closed. */
export interface DrawCancelled {
  t: "draw_cancelled";
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
  why: string;
}

/** Nobody wins: something was late, and a later beacon would have been a choice. */
export interface DrawVoided {
  t: "draw_voided";
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
  why: VoidWhy;
  /** Of a root that nobody found in time: when it was found. Unix time in milliseconds, on the database's clock. */
  rooted_at?: number | null;
}

/** You won a prize: claim it in time. */
export interface YouWon {
  t: "you_won";
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
  /** Of the draw. */
  title: string;
  prize: number;
  prize_title: string;
  /** Unix time in milliseconds, on the database's clock. */
  claim_until: number;
}

/** Your prize is no longer yours: the next reserve has it, or nobody if none is left. */
export interface YourPrizeWentOn {
  t: "your_prize_went_on";
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
  title: string;
  prize_title: string;
  why?: PassedWhy;
}

/** Your claim is in, or the shop says that you have your prize. */
export interface YourPrizeClaimed {
  t: "your_prize_claimed";
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
  title: string;
  prize: number;
  prize_title: string;
  /** When what you wrote is deleted. Unix time in milliseconds, on the database's clock. */
  delete_at?: number | null;
}

/** One event of the room log. `seq` rises by exactly 1. */
export interface Log {
  t: "log";
  /** Position in a room's log; 0 is before the first event. */
  seq: number;
  /** Unix time in milliseconds, on the database's clock. */
  at: number;
  event: Said | Retracted | Unretracted | Pinned | ShowChanged | Deleted | Restored | ChatChanged | RoomChanged | Frozen | Unfrozen | CountdownStarted | CountdownEnded | Featured | Presented | DealOpened | DealChanged | DealClosed | TeamWaived | DrawAnnounced | DrawOpened | DrawClosed | DrawRooted | DrawRevealed | DrawDrawn | DrawPassedOn | DrawPrizeLapsed | DrawSettled | DrawCancelled | DrawVoided;
}

/** One event of the staff log. Staff only; own `seq`, rises by exactly 1. */
export interface Staff {
  t: "staff";
  /** Position in a room's log; 0 is before the first event. */
  seq: number;
  /** Unix time in milliseconds, on the database's clock. */
  at: number;
  event: Acted | Held | Ruled | Reported | Sanctioned | Lifted | PolicyChanged | WordsChanged | RefundChanged | Erased;
}

/** What happened in the last tick, and how many comments a flood kept off the screen. */
export interface Live {
  t: "live";
  events?: (Commented | Echoed | Arrived | TeamCompleted | SeatLeft | TeamsLeftOut)[];
  left_out?: number;
}

/** Latest values: `viewers`, `likes`, `draw_entries`. */
export interface Gauge {
  t: "gauge";
  values: Record<string, number>;
}

/** To you alone. Numbered a room; the same number twice is the same notice. */
export interface Notice {
  t: "notice";
  /** Position in a room's log; 0 is before the first event. */
  notice: number;
  /** Unix time in milliseconds, on the database's clock. */
  at: number;
  event: Answered | YouWereMuted | YouMayTalk | YourComment | YouBought | YourTeam | YouWon | YourPrizeWentOn | YourPrizeClaimed;
}

/** The whole state at `seq`: forget what you knew. Sent after a join and as a reset. */
export interface Snapshot {
  t: "snapshot";
  /** Changes when the database was restored to an earlier point. */
  epoch: string;
  /** Position in a room's log; 0 is before the first event. */
  seq: number;
  /** Lower-case id of a room. */
  room: string;
  title: string;
  show?: Show | null;
  /** Name of the host who presents. */
  presenter?: string | null;
  /** Stands for one viewer of one shop in public; the shop's own viewer id never leaves us. */
  presenter_who?: string;
  /** Of the video behind the room; every deadline that the server sets has it in it. */
  video_delay_ms?: number;
  /** Nothing here is for real: say so on the page. */
  rehearsal?: boolean;
  chat?: Chat;
  /** A technical break is on. */
  freezing?: Freezing | null;
  /** The last ones that are over, newest last. */
  breaks?: Break[];
  countdown?: Clock | null;
  featured?: Product | null;
  /** Newest last. */
  messages?: HostMessage[];
  pinned?: HostMessage | null;
  /** Group buys, newest last. */
  deals?: Deal[];
  /** The one that was opened last, then those in the queue. */
  draws?: Draw[];
  /** Newest last. */
  comments?: Commented[];
  /** Comments deleted last, which may still be under way to you. */
  deleted?: string[];
  values?: Record<string, number>;
  /** Position in a room's log; 0 is before the first event. */
  staff_seq?: number;
  /** Newest last; staff only. */
  staff?: Staff[];
  /** Staff only. */
  desk?: StaffView | null;
}

/** Every few seconds: the database's clock, by which countdowns run, and the log's top. */
export interface Heartbeat {
  t: "heartbeat";
  /** Unix time in milliseconds, on the database's clock. */
  now: number;
  /** Position in a room's log; 0 is before the first event. */
  seq: number;
}

/** The server is about to close this connection: wait so long, then come back and resume. */
export interface ComeBack {
  t: "come_back";
  after_ms: number;
}

/** With each ping: a newer resume token, in place of the one you have. It proves until when you were here. */
export interface Renewed {
  t: "renewed";
  resume: string;
}

/** Your seats in group buys and what became of them, newest last; told when you come in. */
export interface OwnSeats {
  t: "own_seats";
  seats: OwnSeat[];
}

/** You took a seat on another screen. Best effort, for the answer went there: `your_team` tells what follows. */
export interface YourSeat {
  t: "your_seat";
  own: OwnSeat;
}

/** The draws you entered last, and all in which you have a prize, in order of id; told when you come in. */
export interface OwnDraws {
  t: "own_draws";
  /** Of everybody, in the draw that was opened last. */
  entries?: number;
  draws?: OwnDraw[];
}

/** You are in. */
export interface Joined {
  t: "joined";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Lower-case id of a room. */
  room: string;
  /** Changes when the database was restored to an earlier point. */
  epoch: string;
  /** Unix time in milliseconds, on the database's clock. */
  now: number;
  me: Me;
  /** Send it in `resume` when you come back, or the newest of `renewed`. */
  resume: string;
  /** True: missed events follow; false: a snapshot follows. */
  resumed?: boolean;
}

/** Done, and durable. */
export interface Ok {
  t: "ok";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** The log event it caused, if it caused one. Position in a room's log; 0 is before the first event. */
  seq?: number | null;
}

/** Something with an id was made, and is durable. */
export interface Posted {
  t: "posted";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a comment, host message or show; sorts by time. */
  id: string;
  /** The log event it caused; a comment causes none. Position in a room's log; 0 is before the first event. */
  seq?: number | null;
  /** False: accepted and archived, but a flood, or others with the same words, kept it off screens. */
  shown?: boolean;
  /** It waits for staff. */
  held?: boolean;
  /** The comment was the password of a draw, and you are in. */
  entered?: DrawReceipt | null;
  /** It was the password, and this is why it is no entry. */
  not_entered?: ErrorCode | null;
  /** For a developer's eyes, English: what `draw_not_eligible` asks for. */
  not_entered_why?: string | null;
}

/** A link for one person, once. */
export interface Invited {
  t: "invited";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** For the fragment of the host page's address. */
  ticket: string;
  /** Unix time in milliseconds, on the database's clock. */
  expires_at: number;
}

/** A seat in a team is held for you, and is durable. */
export interface Seated {
  t: "seated";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  own: OwnSeat;
}

/** Where to pay. */
export interface PayAt {
  t: "pay_at";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  url: string;
  /** Unix time in milliseconds, on the database's clock. */
  expires_at: number;
  /** At most; what is taken in the end is the price of the step reached. Money in the currency's smallest unit, as `exponent` tells. */
  amount: number;
}

/** A draw was made, and is durable. */
export interface Announced {
  t: "announced";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
  /** Position in a room's log; 0 is before the first event. */
  seq?: number | null;
}

/** You are in the draw, and that is durable. */
export interface Entered {
  t: "entered";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  receipt: DrawReceipt;
}

/** Your claim is in, and is durable. */
export interface Claimed {
  t: "claimed";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** When what you wrote is deleted. Unix time in milliseconds, on the database's clock. */
  delete_at: number;
}

/** Refused, and nothing changed (but for `outcome_unknown`, and what `entered` says). */
export interface Error {
  t: "error";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  code: ErrorCode;
  /** For a developer's eyes, English. */
  text: string;
  temporary?: boolean;
  retry_after_ms?: number | null;
  /** Of a comment: it was the password of a draw, and you are in all the same. */
  entered?: DrawReceipt | null;
  /** Of a comment: it was the password of a draw, and this is why it is no entry. */
  not_entered?: ErrorCode | null;
  /** As in `posted`. */
  not_entered_why?: string | null;
}

/**
 * Enter a room: with a token, with a one-use ticket, with a resume, or as nobody in particular.
 * The answer is `joined`, then either `snapshot` or the log events missed since `resume.seq`, all in one frame.
 */
export interface Join {
  t: "join";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Lower-case id of a room. */
  room: string;
  token?: string | null;
  ticket?: string | null;
  resume?: Resume | null;
  /** Display name of an anonymous viewer. Display name, shown to everyone. */
  name?: string | null;
}

/**
 * Say something in public. Answered when it is archived; in a flood only a sample is shown to others.
 * A draw's password counts against the rate `other`.
 */
export interface Comment {
  t: "comment";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  text: string;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Add hearts: an app gathers taps and sends their number. */
export interface Like {
  t: "like";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  count?: number;
}

/** Tell staff of a comment. One report a viewer and comment counts; enough of them hold it back. */
export interface Report {
  t: "report";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a comment, host message or show; sorts by time. */
  comment: string;
  /** The reason, for the staff log. */
  why?: string | null;
}

/** See no more of somebody: the client leaves their comments out; the list comes with every join. */
export interface Block {
  t: "block";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Stands for one viewer of one shop in public; the shop's own viewer id never leaves us. */
  who: string;
}

/** See somebody again. */
export interface Unblock {
  t: "unblock";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Stands for one viewer of one shop in public; the shop's own viewer id never leaves us. */
  who: string;
}

/** Tell that notices up to this number were read; snapshots leave them out from then on. */
export interface Seen {
  t: "seen";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Position in a room's log; 0 is before the first event. */
  notice: number;
}

/** A host message: reaches every viewer, in order. `answers` names a comment, whose author gets a notice. */
export interface Say {
  t: "say";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  text: string;
  pin?: boolean;
  /** Id of a comment, host message or show; sorts by time. */
  answers?: string | null;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Take a host message back: its text is gone from every screen, from snapshots and from the log. */
export interface Retract {
  t: "retract";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a comment, host message or show; sorts by time. */
  message: string;
  /** The reason, for the staff log. */
  why?: string | null;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Show a retracted host message again, at its place. */
export interface Unretract {
  t: "unretract";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a comment, host message or show; sorts by time. */
  message: string;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Keep one host message in everybody's view; null takes the pin away. */
export interface Pin {
  t: "pin";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a comment, host message or show; sorts by time. */
  message: string | null;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Show one product to everybody; null takes it away. */
export interface Feature {
  t: "feature";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** The shop's own number of a product. */
  product: string | null;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Announce the room's next show. */
export interface Schedule {
  t: "schedule";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  title: string;
  /** Unix time in milliseconds, on the database's clock. */
  starts_at: number;
  /** In which the show is announced; null: the shop's. IANA name, `Europe/Warsaw` say. */
  time_zone?: string | null;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/**
 * Move the show: scheduled → warm_up → live ⇄ paused → ended.
 * A pause stops no clock (`freeze` does). An end takes the countdown away, ends a freeze, calls an open draw off, and closes group buys: teams that form run to their own deadline.
 */
export interface SetShow {
  t: "set_show";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  state: ShowState;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Count down to something on everybody's screen; takes the place of one that runs. */
export interface Countdown {
  t: "countdown";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  title: string;
  seconds: number;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Take the countdown away. */
export interface CancelCountdown {
  t: "cancel_countdown";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** The stream broke: stop every deadline in the room and tell viewers. Comments go on. */
export interface Freeze {
  t: "freeze";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Null: the app's own words for a technical break. */
  message?: string | null;
  /** Where the video goes on meanwhile. Absolute, http or https, without user and password. */
  video_url?: string | null;
  /** The reason, for the staff log. */
  why?: string | null;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Go on: every open deadline of the room is later by as long as the break took. */
export interface Unfreeze {
  t: "unfreeze";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Make a one-use link by which somebody joins the staff of this room. */
export interface Invite {
  t: "invite";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Display name, shown to everyone. */
  name: string;
  role?: "host" | "moderator";
  /** Without one, a repeat leaves a second link about that lets somebody in. Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Let another host of this room present from now on; viewers see the name. */
export interface HandOver {
  t: "hand_over";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Stands for one viewer of one shop in public; the shop's own viewer id never leaves us. */
  to: string;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Take comments off every screen, out of snapshots and out of answers that quote them. */
export interface Delete {
  t: "delete";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  comments: string[];
  /** The reason, for the staff log. */
  why?: string | null;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Bring deleted comments back: to the screens, or to those that wait for staff if they were never let through. */
export interface Restore {
  t: "restore";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  comments: string[];
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Decide on comments that wait for staff: shown to everyone, or to nobody. Ends reports about them too. */
export interface Rule {
  t: "rule";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  comments: string[];
  show: boolean;
  /** The reason, for the staff log. */
  why?: string | null;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Nobody hears this person in this room any more. They alone are told. */
export interface Mute {
  t: "mute";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Stands for one viewer of one shop in public; the shop's own viewer id never leaves us. */
  who: string;
  /** Seconds; null: for ever. */
  seconds: number | null;
  /** In place of seconds: the end that an undo brings back. Unix time in milliseconds, on the database's clock. */
  until?: number | null;
  /** The reason, for the staff log. */
  why?: string | null;
  /** Also delete what they said last. */
  delete?: boolean;
  /** Comments to bring back: an undo's. */
  restore?: string[];
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Let a muted person talk again, and bring back comments that went with the mute. */
export interface Unmute {
  t: "unmute";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Stands for one viewer of one shop in public; the shop's own viewer id never leaves us. */
  who: string;
  /** The reason, for the staff log. */
  why?: string | null;
  restore?: string[];
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Put a person out of this room: every connection closes, joins are refused. */
export interface Ban {
  t: "ban";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Stands for one viewer of one shop in public; the shop's own viewer id never leaves us. */
  who: string;
  /** Seconds; null: for ever. */
  seconds: number | null;
  /** In place of seconds: the end that an undo brings back. Unix time in milliseconds, on the database's clock. */
  until?: number | null;
  /** The reason, for the staff log. */
  why?: string | null;
  /** Also delete what they said last. */
  delete?: boolean;
  /** Comments to bring back: an undo's. */
  restore?: string[];
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Let a banned person in again, and bring back comments that went with the ban. */
export interface Unban {
  t: "unban";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Stands for one viewer of one shop in public; the shop's own viewer id never leaves us. */
  who: string;
  /** The reason, for the staff log. */
  why?: string | null;
  restore?: string[];
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Change the rules of talking; what is null stays as it is. */
export interface SetChat {
  t: "set_chat";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** 0: off. */
  slow_mode_s?: number | null;
  buyers_only?: boolean | null;
  /** Comments wait until staff let them through. */
  approve_first?: boolean | null;
  /** Viewers may post links. */
  links?: boolean | null;
  /** Anonymous viewers may comment. */
  anonymous?: boolean | null;
  comment_chars?: number | null;
  /** The reason, for the staff log. */
  why?: string | null;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Change a room's settings; what is null stays as it is. */
export interface SetRoom {
  t: "set_room";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  title?: string | null;
  /** Comments shown a second; 0: the deployment's. */
  display_per_s?: number | null;
  video_delay_s?: number | null;
  /** So many reports hold a comment; 0: none do. */
  reports_to_hold?: number | null;
  /** No staff for so long; 0: never. */
  unattended_after_s?: number | null;
  /** Viewers may post links while nobody is on duty. */
  unattended_links?: boolean | null;
  unattended_slow_mode_s?: number | null;
  /** One report holds a comment while nobody is on duty. */
  unattended_hold_reported?: boolean | null;
  /** The reason, for the staff log. */
  why?: string | null;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Ask the shop's backend to pay a purchase back. Above the shop's limit a second operator must confirm. */
export interface Refund {
  t: "refund";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** The shop's number of it. The shop's own number of something. */
  purchase: string;
  /** The reason, for the staff log. */
  why: string;
  /** Money moves: without a key a repetition would move it again. Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key: string;
  /** Null: all that is left of it. Money in the currency's smallest unit, as `exponent` tells. */
  amount?: number | null;
}

/** Confirm or refuse a refund that another operator asked for. */
export interface DecideRefund {
  t: "decide_refund";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a comment, host message or show; sorts by time. */
  refund: string;
  confirm: boolean;
  /** The reason, for the staff log. */
  why?: string | null;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Open a group buy on a product. Its stock is an allotment of its own. */
export interface OpenDeal {
  t: "open_deal";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** The shop's own number of a product. */
  product: string;
  steps: DealStep[];
  stock: number;
  /** The shop's own number of a product. */
  variant?: string | null;
  /** Null: the product's. */
  title?: string | null;
  /** Null: the product's, or the variant's. Minor units of the deal's currency, for a seat. */
  single_price?: number | null;
  /** Money in the currency's smallest unit, as `exponent` tells. */
  leader_discount?: number;
  units?: number;
  /** Seconds that a team has to fill. */
  life_s?: number;
  /** Seconds that a seat is held before payment. */
  hold_s?: number;
  closes_in_s?: number | null;
  per_viewer?: number;
  new_only?: boolean;
  /** Percent of the stock that open teams may hold. */
  share?: number;
  /** Yes, a price below half of the single price is meant. */
  low_price?: boolean;
  /** The shop's own number of it; orders, webhooks and the settlement have it. The shop's own number of something. */
  reference?: string | null;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Edit the rules for teams opened from now on, or pause and resume; what is null stays. */
export interface ChangeDeal {
  t: "change_deal";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a comment, host message or show; sorts by time. */
  deal: string;
  state?: "open" | "paused" | null;
  steps?: DealStep[] | null;
  /** Money in the currency's smallest unit, as `exponent` tells. */
  leader_discount?: number | null;
  /** Seconds that a team has to fill. */
  life_s?: number | null;
  /** Seconds that a seat is held before payment. */
  hold_s?: number | null;
  per_viewer?: number | null;
  new_only?: boolean | null;
  share?: number | null;
  low_price?: boolean;
  /** The reason, for the staff log. */
  why?: string | null;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Let a deal close later. Teams that form keep their own deadlines. */
export interface ExtendDeal {
  t: "extend_deal";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a comment, host message or show; sorts by time. */
  deal: string;
  by_s: number;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** End a deal: no new teams; those that form go on to their own deadlines. */
export interface CloseDeal {
  t: "close_deal";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a comment, host message or show; sorts by time. */
  deal: string;
  /** The reason, for the staff log. */
  why?: string | null;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Take a deal back, for a wrong price say: everybody's money goes back, and the reason is public. */
export interface VoidDeal {
  t: "void_deal";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a comment, host message or show; sorts by time. */
  deal: string;
  /** The reason, for the staff log. */
  why: string;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Fill a team's missing seats as the shop's gift, which everyone is told. Its members pay the full team's price. */
export interface WaiveTeam {
  t: "waive_team";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a comment, host message or show; sorts by time. */
  deal: string;
  /** Id of a comment, host message or show; sorts by time. */
  team: string;
  /** The reason, for the staff log. */
  why: string;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/**
 * Give a confirmed order's price back, or a part. Above the shop's limit a second operator must confirm.
 * Its team stays complete. An order of which nothing is left is `returned`, and its units are free again.
 */
export interface RefundOrder {
  t: "refund_order";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a comment, host message or show; sorts by time. */
  deal: string;
  /** Id of a comment, host message or show; sorts by time. */
  order: string;
  /** The reason, for the staff log. */
  why: string;
  /** Money moves: without a key a repetition would move it again. Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key: string;
  /** Null: all that is left of it. Money in the currency's smallest unit, as `exponent` tells. */
  amount?: number | null;
}

/** Confirm or refuse a refund of an order that another operator asked for. */
export interface DecideOrderRefund {
  t: "decide_order_refund";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a comment, host message or show; sorts by time. */
  deal: string;
  /** Id of a comment, host message or show; sorts by time. */
  refund: string;
  confirm: boolean;
  /** The reason, for the staff log. */
  why?: string | null;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Open a team and hold its first seat. The whole team's units are kept for it until its deadline. */
export interface OpenTeam {
  t: "open_team";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a comment, host message or show; sorts by time. */
  deal: string;
  /** Anyone may join; false: by invite alone. */
  listed?: boolean;
  show_name?: boolean;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Hold a seat in a team: with its invite, or by its id if it is listed. */
export interface JoinTeam {
  t: "join_team";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a comment, host message or show; sorts by time. */
  deal: string;
  /** Id of a comment, host message or show; sorts by time. */
  team?: string | null;
  /** 128 random bits that let somebody into a team for as long as it takes members. */
  invite?: string | null;
  show_name?: boolean;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Give a seat back while the team forms; what was paid goes back. A leader's place goes to the next member. */
export interface LeaveTeam {
  t: "leave_team";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a comment, host message or show; sorts by time. */
  deal: string;
  /** Id of a comment, host message or show; sorts by time. */
  seat: string;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/**
 * Begin to pay a seat, or an unpaid order.
 * Asked again, the same page is given while it lasts, then a new one. The hold is extended once.
 */
export interface PaySeat {
  t: "pay_seat";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a comment, host message or show; sorts by time. */
  deal: string;
  /** Id of a comment, host message or show; sorts by time. */
  seat: string;
  /** The shop's number of the order, by the buyer's client: nobody checked it. The shop's own number of something. */
  reference?: string | null;
}

/** Announce a draw: it waits in the queue until it is opened. */
export interface CreateDraw {
  t: "create_draw";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  plan: DrawPlan;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Keep a plan under a name, for all rooms of the shop; null takes it away. */
export interface SaveTemplate {
  t: "save_template";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  name: string;
  plan: DrawPlan | null;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Publish the rules and take entries. Nothing in the rules changes after that. */
export interface OpenDraw {
  t: "open_draw";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
  commitments?: string[];
  names?: string[];
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Freeze the entries now. From here on a draw cannot be cancelled. */
export interface CloseDraw {
  t: "close_draw";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Call a draw off before it closes; everybody reads why, and it stays in the room's history. */
export interface CancelDraw {
  t: "cancel_draw";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
  why: string;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Reveal what a co-host committed to, once the root is out and within 60 s. Whoever has the secret may. */
export interface RevealDraw {
  t: "reveal_draw";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
  party: number;
  /** 32 bytes, hex. */
  secret: string;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Take part. The same key again gives the same receipt. */
export interface EnterDraw {
  t: "enter_draw";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Say where your prize goes. */
export interface ClaimPrize {
  t: "claim_prize";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
  form: ClaimForm;
  /** As the server signed it; a forged one is refused. */
  receipt?: DrawReceipt | null;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** You do not want your prize: it goes to the next reserve at once. */
export interface DeclinePrize {
  t: "decline_prize";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** The winner has their prize, or the shop knows where it goes: it waits for no claim any more. */
export interface MarkClaimed {
  t: "mark_claimed";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
  /** Number of a prize, from 0. */
  prize: number;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** The rules exclude who won this prize (too young, say): it goes to the next reserve, and the proof shows it. */
export interface DisqualifyWinner {
  t: "disqualify_winner";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a draw: 16 bytes, hex; sorts by time. */
  draw: string;
  /** Number of a prize, from 0. */
  prize: number;
  why: string;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

export type LogEvent = Said | Retracted | Unretracted | Pinned | ShowChanged | Deleted | Restored | ChatChanged | RoomChanged | Frozen | Unfrozen | CountdownStarted | CountdownEnded | Featured | Presented | DealOpened | DealChanged | DealClosed | TeamWaived | DrawAnnounced | DrawOpened | DrawClosed | DrawRooted | DrawRevealed | DrawDrawn | DrawPassedOn | DrawPrizeLapsed | DrawSettled | DrawCancelled | DrawVoided;

export type StaffEvent = Acted | Held | Ruled | Reported | Sanctioned | Lifted | PolicyChanged | WordsChanged | RefundChanged | Erased;

export type LiveEvent = Commented | Echoed | Arrived | TeamCompleted | SeatLeft | TeamsLeftOut;

export type NoticeEvent = Answered | YouWereMuted | YouMayTalk | YourComment | YouBought | YourTeam | YouWon | YourPrizeWentOn | YourPrizeClaimed;

export type Push = Log | Staff | Live | Gauge | Notice | Snapshot | Heartbeat | ComeBack | Renewed | OwnSeats | YourSeat | OwnDraws;

export type Reply = Joined | Ok | Posted | Invited | Seated | PayAt | Announced | Entered | Claimed | Error;

export type Command = Join | Comment | Like | Report | Block | Unblock | Seen | Say | Retract | Unretract | Pin | Feature | Schedule | SetShow | Countdown | CancelCountdown | Freeze | Unfreeze | Invite | HandOver | Delete | Restore | Rule | Mute | Unmute | Ban | Unban | SetChat | SetRoom | Refund | DecideRefund | OpenDeal | ChangeDeal | ExtendDeal | CloseDeal | VoidDeal | WaiveTeam | RefundOrder | DecideOrderRefund | OpenTeam | JoinTeam | LeaveTeam | PaySeat | CreateDraw | SaveTemplate | OpenDraw | CloseDraw | CancelDraw | RevealDraw | EnterDraw | ClaimPrize | DeclinePrize | MarkClaimed | DisqualifyWinner;

/** Subprotocols of /v1/ws. */
export const CODECS = {
  json: "livestream.v1.json",
  msgpack: "livestream.v1.msgpack",
} as const;

export const ERRORS: Record<ErrorCode, { text: string; temporary: boolean }> = {
  invalid: { text: "A field is missing, of the wrong type or out of range; the text names it.", temporary: false },
  unknown_command: { text: "The server knows no command of this name.", temporary: false },
  not_joined: { text: "Send `join` first.", temporary: false },
  already_joined: { text: "A connection joins one room once; open another connection for another room.", temporary: false },
  room_not_found: { text: "No room of this id.", temporary: false },
  token_invalid: { text: "The token's signature, issuer, audience, room or role does not hold; ask the shop for a new one.", temporary: false },
  token_expired: { text: "The token is past its `exp`; ask the shop for a new one.", temporary: false },
  ticket_invalid: { text: "The ticket is unknown, used or expired; ask for a new one.", temporary: false },
  sign_in_required: { text: "Anonymous viewers may not do this here; join with a token.", temporary: false },
  name_required: { text: "Join with a display name to comment.", temporary: false },
  forbidden: { text: "Your role may not do this; the permission table says who may.", temporary: false },
  rate_limited: { text: "Too many of this kind from you; wait `retry_after_ms`.", temporary: true },
  busy: { text: "The server sheds load; wait `retry_after_ms` and send again.", temporary: true },
  unavailable: { text: "A store is away and nothing was done; wait `retry_after_ms`.", temporary: true },
  outcome_unknown: { text: "The store went away while it committed; send the same command with the same `key` to learn the outcome.", temporary: true },
  key_reused: { text: "This idempotency key was used with another body; make a new key.", temporary: false },
  comments_closed: { text: "No comments now: the show is not warming up, live or paused.", temporary: false },
  no_show: { text: "The room has no show to change; schedule one.", temporary: false },
  show_open: { text: "The room's present show has not ended; end it first.", temporary: false },
  illegal_transition: { text: "The show cannot go from its present state to that one.", temporary: false },
  message_not_found: { text: "No host message of this id in this room.", temporary: false },
  comment_not_found: { text: "No comment of this id in this room.", temporary: false },
  banned: { text: "Staff put you out of this room; the text says until when.", temporary: false },
  name_refused: { text: "This display name is not allowed here; take another one.", temporary: false },
  muted: { text: "Staff muted you in this room; `retry_after_ms` says for how long, if not for ever.", temporary: false },
  buyers_only: { text: "Only people who bought something may comment now.", temporary: false },
  slow_mode: { text: "One comment in a while, please; wait `retry_after_ms`.", temporary: true },
  link_refused: { text: "Only staff may post links now.", temporary: false },
  text_refused: { text: "The shop does not allow these words.", temporary: false },
  person_not_found: { text: "Nobody of this pseudonym was here, or not in the needed role.", temporary: false },
  not_staff: { text: "This person is staff; an operator has to take the role away first.", temporary: false },
  not_sanctioned: { text: "This person is not muted or banned.", temporary: false },
  too_many: { text: "A list is full; take something out of it first.", temporary: false },
  frozen: { text: "The room is frozen; unfreeze it first.", temporary: false },
  not_frozen: { text: "The room is not frozen.", temporary: false },
  no_countdown: { text: "No countdown runs.", temporary: false },
  product_not_found: { text: "The shop has no product of this number.", temporary: false },
  purchase_not_found: { text: "The shop has reported no purchase of this number.", temporary: false },
  amount_refused: { text: "Nothing, or more than is left of the purchase.", temporary: false },
  refund_not_found: { text: "No refund of this id waits for a decision.", temporary: false },
  second_person: { text: "Who asked for a refund cannot confirm it: another operator must.", temporary: false },
  id_taken: { text: "There is one of this id already; take another.", temporary: false },
  key_refused: { text: "Not a public key of Ed25519 in PEM.", temporary: false },
  key_not_found: { text: "The shop has no such key that holds.", temporary: false },
  last_key: { text: "The shop's last key cannot be retired; add another first.", temporary: false },
  time_zone_unknown: { text: "No time zone of this name.", temporary: false },
  rehearsal: { text: "Not in a rehearsal: it would be for real. Ask it of the shop itself.", temporary: false },
  shop_not_found: { text: "No shop of this id, or the token is another shop's.", temporary: false },
  webhook_not_found: { text: "The shop has no webhook endpoint of this id.", temporary: false },
  webhook_target_refused: { text: "Webhooks may not go to this URL; the text says why.", temporary: false },
  webhook_disabled: { text: "The webhook endpoint is disabled; enable it first.", temporary: false },
  webhook_limit: { text: "The shop has as many webhook endpoints as it may; remove one.", temporary: false },
  delivery_not_found: { text: "The shop has no webhook delivery of this id, or no longer.", temporary: false },
  deal_not_found: { text: "No group buy of this id in this room.", temporary: false },
  deal_closed: { text: "The group buy takes no teams now: it is paused, over or was taken back.", temporary: false },
  terms_refused: { text: "These rules do not fit together; the text says which.", temporary: false },
  price_low: { text: "A price is below half of the single price: say `low_price` if that is meant.", temporary: false },
  sold_out: { text: "Not enough units are left for a whole team; they may come back when a team fails.", temporary: false },
  teams_full: { text: "Open teams hold as much of the stock as they may; join one of them.", temporary: false },
  team_not_found: { text: "No team of this id that you may join this way.", temporary: false },
  invite_invalid: { text: "No team of this group buy has this invite.", temporary: false },
  team_closed: { text: "The team is complete, expired or was taken back.", temporary: false },
  team_late: { text: "The deadline of the team is past.", temporary: false },
  team_full: { text: "Every seat of the team is held or paid.", temporary: false },
  team_member: { text: "You are in this team.", temporary: false },
  seat_taken: { text: "You have a seat in another team of this group buy; one at a time.", temporary: false },
  limit_reached: { text: "You bought as often in this group buy as one viewer may.", temporary: false },
  new_customers_only: { text: "Only people who never bought in this shop may join; you may open a team of your own.", temporary: false },
  seat_not_found: { text: "You have no such seat in this group buy.", temporary: false },
  order_not_found: { text: "This group buy has no such order.", temporary: false },
  seat_lost: { text: "The seat is yours no more: its hold or the time to pay it ran out, or its money went back.", temporary: false },
  seat_paid: { text: "The seat is paid already.", temporary: false },
  payment_refused: { text: "The payment provider refused to open the payment; the text says why.", temporary: false },
  webhook_forged: { text: "The notification is not signed by the payment provider, or is too old.", temporary: false },
  draw_not_found: { text: "No draw of this id in this room.", temporary: false },
  draw_not_open: { text: "The draw takes no entries yet, or any more.", temporary: false },
  draw_entered: { text: "You are in this draw already.", temporary: false },
  draw_staff: { text: "Staff take no part in draws.", temporary: false },
  draw_excluded: { text: "You won one of the last draws; the rules say for how many you wait.", temporary: false },
  draw_not_eligible: { text: "The draw's rules ask for something first; the text names it.", temporary: false },
  draw_rules_refused: { text: "These rules do not fit together; the text says why.", temporary: false },
  draw_active: { text: "Another draw of this room is open or closed; wait for its winners.", temporary: false },
  draw_state: { text: "The draw is in another state; the text names it.", temporary: false },
  draw_queue_full: { text: "So many draws are announced already; open or cancel one.", temporary: false },
  draw_not_drawn: { text: "There is no proof yet: the root of the draw is not out.", temporary: false },
  reveal_refused: { text: "Not what this party committed to, or too early, or too late.", temporary: false },
  not_a_winner: { text: "No prize of this draw waits for you.", temporary: false },
  claim_late: { text: "The time to claim this prize is over.", temporary: false },
  claimed: { text: "This prize is claimed already.", temporary: false },
  receipt_invalid: { text: "The receipt is not the shop's, or not of this draw.", temporary: false },
  entry_not_found: { text: "No entry of this id in this draw.", temporary: false },
  template_not_found: { text: "The shop has no template of this name.", temporary: false },
  internal: { text: "Our fault; it is logged under the request's ref.", temporary: true },
};

/** Why the server closed, and what a client does then. */
export const CLOSES: Record<number, { name: string; text: string; reconnect: boolean; fresh_token: boolean }> = {
  1001: { name: "going_away", text: "The process stops at once.", reconnect: true, fresh_token: false },
  1002: { name: "protocol_error", text: "The peer broke RFC 6455.", reconnect: false, fresh_token: false },
  1007: { name: "bad_utf8", text: "A text frame was not UTF-8.", reconnect: false, fresh_token: false },
  1009: { name: "too_big", text: "A message, a fragment or an inflated message is over the limit, or in too many fragments.", reconnect: false, fresh_token: false },
  4000: { name: "drain", text: "The process is being replaced; come back and resume.", reconnect: true, fresh_token: false },
  4001: { name: "slow", text: "You read too slowly and your buffer is full; come back and resume.", reconnect: true, fresh_token: false },
  4002: { name: "rebalance", text: "This process has more than its share; come back and resume.", reconnect: true, fresh_token: false },
  4003: { name: "pong_timeout", text: "No sign of life after a ping; come back and resume.", reconnect: true, fresh_token: false },
  4004: { name: "try_later", text: "The server sheds load; come back later.", reconnect: true, fresh_token: false },
  4100: { name: "token_expired", text: "Your token expired; come back with a new one.", reconnect: true, fresh_token: true },
  4101: { name: "revoked", text: "Your role or your token was taken back; come back with a new one.", reconnect: true, fresh_token: true },
  4200: { name: "bad_frame", text: "The frame is not a list of commands in the negotiated codec.", reconnect: false, fresh_token: false },
  4201: { name: "join_timeout", text: "No join in time.", reconnect: false, fresh_token: false },
  4202: { name: "flood", text: "You went on sending after many refusals, or flooded control frames.", reconnect: false, fresh_token: false },
  4203: { name: "replaced", text: "You opened more connections than one viewer may have; the oldest goes.", reconnect: false, fresh_token: false },
  4204: { name: "banned", text: "Staff put you out of this room.", reconnect: false, fresh_token: false },
  4205: { name: "room_gone", text: "The room is no more: a rehearsal that was erased.", reconnect: false, fresh_token: false },
};

export const LIMITS = {
  /** in; a join with a 2 KiB token fits, a pasted novel does not */
  VIEWER_FRAME_BYTES: 4096,
  /** in; raised after a staff join */
  STAFF_FRAME_BYTES: 65536,
  /** a message may come in so many; a million one-byte fragments are an attack */
  FRAGMENTS: 64,
  /** commands in one frame */
  MESSAGES_PER_FRAME: 64,
  /** cap; a room may set less (default 200) [Amazon IVS: 500] */
  COMMENT_CHARS: 500,
  HOST_MESSAGE_CHARS: 2000,
  NAME_CHARS: 40,
  TITLE_CHARS: 200,
  /** idempotency key */
  KEY_CHARS: 64,
  TOKEN_CHARS: 3000,
  /** an app gathers taps and sends their number */
  LIKES_PER_COMMAND: 50,
  WHY_CHARS: 200,
  URL_CHARS: 1000,
  VIEWER_ID_CHARS: 200,
  SANCTION_LEAST_S: 10,
  /** longer is for ever */
  SANCTION_MOST_S: 315360000,
  SLOW_MODE_MOST_S: 120,
  COUNTDOWN_LEAST_S: 5,
  COUNTDOWN_MOST_S: 86400,
  /** HLS at its slowest */
  VIDEO_DELAY_MOST_S: 60,
  COMMENTS_PER_DELETE: 100,
  /** people one viewer may block */
  BLOCKED: 500,
  /** newest deleted comments that a snapshot names */
  SNAPSHOT_TOMBSTONES: 200,
  /** newest comments that wait for staff */
  SNAPSHOT_HELD: 200,
  /** newest reports that wait for staff */
  SNAPSHOT_REPORTS: 100,
  /** newest mutes and bans in force that staff are shown; all are enforced */
  SNAPSHOT_SANCTIONS: 500,
  DRAW_LEAST_S: 30,
  DRAW_MOST_S: 300,
  /** one that is closed by hand closes by itself after so long */
  DRAW_BY_HAND_S: 14400,
  DRAW_TIERS: 10,
  /** of all tiers together: the winners travel in one event */
  DRAW_PRIZES: 200,
  DRAW_WEIGHT_EXTRA: 100,
  DRAW_TERMS_CHARS: 2000,
  /** to claim a prize */
  DRAW_CLAIM_S: 604800,
  /** announced draws a room */
  DRAW_QUEUE: 10,
  /** co-hosts, the server among them */
  DRAW_PARTIES: 8,
  /** a shop */
  DRAW_TEMPLATES: 50,
  /** newest host messages a snapshot carries */
  SNAPSHOT_MESSAGES: 50,
  /** newest shown comments a snapshot carries */
  SNAPSHOT_COMMENTS: 50,
  /** newest unseen notices of the viewer who joins */
  SNAPSHOT_NOTICES: 20,
  /** group buys a snapshot carries: all that run, then the newest of those that ended */
  SNAPSHOT_DEALS: 10,
  /** newest breaks that are over; who comes in must know the last, late news of seats a few more */
  SNAPSHOT_BREAKS: 10,
  TEAM_LEAST: 2,
  TEAM_MOST: 10,
  TEAM_LIFE_LEAST_S: 60,
  TEAM_LIFE_MOST_S: 86400,
  HOLD_LEAST_S: 30,
  HOLD_MOST_S: 600,
  /** a seat is held so long before its payment begins */
  HOLD_S: 90,
  /** and so long from then on; never past the team's deadline */
  PAYING_S: 600,
  /** after the deadline, while payments are under way */
  SETTLING_S: 30,
  /** to pay an order again whose money could not be taken */
  REPAY_S: 86400,
  DEAL_LEAST_S: 60,
  DEAL_MOST_S: 2592000,
  /** of the stock, that open teams may hold */
  TEAM_SHARE_PERCENT: 80,
  PRICE_MOST: 1000000000000,
  UNITS_MOST: 1000000000,
} as const;

/** So many commands of a class at once, then so many a second: the defaults, which a deployment may change. */
export const RATES: Record<RateClass, { burst: number; per_s: number }> = {
  join: { burst: 5, per_s: 0.5 },
  comment: { burst: 20, per_s: 0.6667 },
  like: { burst: 20, per_s: 5 },
  staff: { burst: 50, per_s: 20 },
  seat: { burst: 10, per_s: 1 },
  read: { burst: 60, per_s: 10 },
  other: { burst: 20, per_s: 5 },
};
