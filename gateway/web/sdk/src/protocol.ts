export type Role = "anonymous" | "viewer" | "moderator" | "host" | "operator" | "service";
export type ShowState = "scheduled" | "warm_up" | "live" | "paused" | "ended";
export type ErrorCode =
  | "invalid" | "unknown_command" | "not_joined" | "already_joined" | "room_not_found" | "token_invalid" | "token_expired"
  | "ticket_invalid" | "sign_in_required" | "name_required" | "forbidden" | "rate_limited" | "busy" | "unavailable"
  | "outcome_unknown" | "key_reused" | "comments_closed" | "no_show" | "show_open" | "illegal_transition"
  | "message_not_found" | "comment_not_found" | "internal";
export interface HostMessage { id: string; name: string; text: string; at: number; answers?: string | null; answered_name?: string | null; answered_text?: string | null }
export interface Show { id: string; title: string; state: ShowState; starts_at: number; live_at?: number | null; ended_at?: number | null }
export interface Said { t: "said"; message: HostMessage }
export interface Pinned { t: "pinned"; message?: HostMessage | null }
export interface ShowChanged { t: "show_changed"; show: Show }
export interface Acted { t: "acted"; who: string; name: string; role: Role; command: string; what: string }
export interface Commented { t: "comment"; id: string; by: string; name: string; text: string; role?: Role }
export interface Arrived { t: "arrived"; name: string }
export interface Answered { t: "answered"; comment: string; message: HostMessage }
export type LogEvent = Said | Pinned | ShowChanged;
export type LiveEvent = Commented | Arrived;
export interface Log { t: "log"; seq: number; at: number; event: LogEvent }
export interface Staff { t: "staff"; seq: number; at: number; event: Acted }
export interface Live { t: "live"; events?: LiveEvent[]; left_out?: number }
export interface Gauge { t: "gauge"; values: Record<string, number> }
export interface Notice { t: "notice"; notice: number; at: number; event: Answered }
export interface Snapshot { t: "snapshot"; epoch: string; seq: number; room: string; title: string; show?: Show | null; messages?: HostMessage[]; pinned?: HostMessage | null; comments?: Commented[]; values?: Record<string, number>; staff_seq?: number; staff?: Staff[] }
export interface Heartbeat { t: "heartbeat"; now: number; seq: number }
export interface ComeBack { t: "come_back"; after_ms: number }
export type Push = Log | Staff | Live | Gauge | Notice | Snapshot | Heartbeat | ComeBack;
export interface Me { id: string; role: Role; name?: string | null; expires_at?: number | null }
export interface Joined { t: "joined"; ref: number; room: string; epoch: string; now: number; me: Me; resume: string; resumed?: boolean }
export interface Ok { t: "ok"; ref: number; seq?: number | null }
export interface Posted { t: "posted"; ref: number; id: string; seq?: number | null; shown?: boolean }
export interface Error { t: "error"; ref: number; code: ErrorCode; text: string; temporary?: boolean; retry_after_ms?: number | null }
export type Reply = Joined | Ok | Posted | Error;
export interface Resume { token: string; epoch: string; seq: number; staff_seq?: number }
export interface Join { t: "join"; ref: number; room: string; token?: string | null; ticket?: string | null; resume?: Resume | null; name?: string | null }
export interface Comment { t: "comment"; ref: number; text: string; key?: string | null }
export interface Like { t: "like"; ref: number; count?: number }
export interface Say { t: "say"; ref: number; text: string; pin?: boolean; answers?: string | null; key?: string | null }
export interface Pin { t: "pin"; ref: number; message: string | null; key?: string | null }
export interface Schedule { t: "schedule"; ref: number; title: string; starts_at: number; key?: string | null }
export interface SetShow { t: "set_show"; ref: number; state: ShowState; key?: string | null }
export interface Seen { t: "seen"; ref: number; notice: number }
export type Command = Join | Comment | Like | Say | Pin | Schedule | SetShow | Seen;
export const CLOSES: Record<number, { name: string; text: string; reconnect: boolean; fresh_token: boolean }> = {
  1001: { name: "going_away", text: "", reconnect: true, fresh_token: false },
  4100: { name: "token_expired", text: "", reconnect: true, fresh_token: true },
  4200: { name: "bad_frame", text: "", reconnect: false, fresh_token: false },
  4201: { name: "join_timeout", text: "", reconnect: false, fresh_token: false },
  4202: { name: "flood", text: "", reconnect: false, fresh_token: false },
  4203: { name: "replaced", text: "", reconnect: false, fresh_token: false },
};
