/** The frames of protocol version 1, as this page sends and receives them. */

import type { Agreement, AgreementFrame } from "./agreements";
import type { AttuneFrame, Check, CheckFigures } from "./attunement";
import type { Answered, Definition, ExerciseFrame, Ratings, Run, Summary } from "./exercises";
import type { AppointmentFrame } from "./appointments";
import type { Later, LaterFrame } from "./later";
import type { Happened } from "./features";
import type { Advice, Answered as SuitabilityAnswered, IntakeForm, OpenRaise, Plan, Raised, Resources, SafetyFrame } from "./safety";
import type { Figures, Intervention, PacingFrame } from "./pacing";
import type { Sign, SymbolFrame, Use } from "./symbols";

export type Role = "client" | "therapist";
export type Level = "letters" | "rhythm";
export type Purpose = "informed_consent" | "live_text" | "composition_replay" | "note_disclosure";
export const PURPOSES: readonly Purpose[] = ["informed_consent", "live_text", "composition_replay", "note_disclosure"];

/** `[wait_ms, "i", pos, text]` or `[wait_ms, "d", pos, count]`; positions and counts are code points. */
export type Op = [number, "i", number, string] | [number, "d", number, number];

export interface Consent { state: "granted" | "withdrawn"; epoch: number }
export interface Counted { count: number; first_at?: string; last_at?: string }
export interface Decision {
  id: string; purpose: Purpose; decision: "grant" | "withdraw"; version?: number; at: string; via: string;
  expires_at?: string; ended_at?: string; let_through: Counted; blocked: Counted;
}
export interface Form { purpose: Purpose; version: number; title: string; text: string; locale: string; sha256: string }
export interface Person { id: string; role: Role; display_name: string; online: boolean }
export interface Message {
  seq: number; n: number; message: string; from: string; text: string; at: string;
  in_reply_to?: string; tone?: string; deleted?: true; intervention?: Intervention;
}
export interface Live { on: boolean; level: Level }
export interface Session { id: string; started_at: string }
export interface Away { since: string; until?: string; text: string }
export interface ConversationState {
  id: string; last_seq: number; last_n: number; participants: Person[];
  consents: Record<string, Partial<Record<Purpose, Consent>>>;
  reads: Record<string, number>; live: Record<string, Live>; session: Session | null; safety?: OpenRaise[]; left?: string; away?: Away;
}
export interface Note { note: string; version: number; format: string; text: string; author: string; at: string }

export interface Mark { mark: string; at_op: number; text: string; at: string }
interface Written { draft: string; author: string; begun_at: string; message_sent: boolean; seq?: number; opened: boolean }
export interface CompositionSummary extends Written { ops: number; marks: number }
export interface Composition extends Written { ops: Op[]; marks: Mark[] }

export interface Welcome {
  type: "welcome"; participant: { id: string; role: Role }; expires_at: string; heartbeat_s: number;
  more: boolean; conversations: ConversationState[]; obscure?: { tick_ms: number; frame_bytes: number } | null;
}
export interface Ok {
  type: "ok"; ref: string; seq?: number; n?: number; at?: string; messages?: Message[]; more?: boolean;
  forms?: Form[]; decision?: string; epoch?: number; session?: string; notes?: Note[]; version?: number;
  decisions?: Decision[]; receipt?: Record<string, unknown>; html?: string; composition?: Composition; compositions?: CompositionSummary[];
  resources?: Resources; recorded?: boolean; joined?: boolean; raises?: Raised[]; plan?: Plan; newest?: number; form?: IntakeForm; answered?: SuitabilityAnswered; advice?: Advice[];
  record?: string; records?: Happened[]; participants?: Figures["participants"]; ratios?: Figures["ratios"]; muted?: boolean;
  exercises?: Summary[]; runs?: Run[]; run?: Run; definition?: Definition; answers?: Answered[]; series?: Ratings[]; agreements?: Agreement[];
  later?: Later[]; url?: string; hours?: { starts: string; ends: string; zone: string } | null;
  symbols?: Sign[]; uses?: Use[]; checks?: Check[]; sessions?: CheckFigures[];
}
export interface ErrorFrame {
  type: "error"; ref?: string; code: string; message: string; details?: Record<string, unknown>;
}
export type About =
  | ({ type: "message.posted"; conversation: string } & Message)
  | { type: "message.read"; conversation: string; seq: number; from: string }
  | { type: "typing"; conversation: string; on: boolean; from: string }
  | { type: "presence"; conversation: string; participant: string; online: boolean }
  | { type: "live.changed"; conversation: string; from: string; on: boolean; level: Level; reason?: "suspended" }
  | { type: "live.edit"; conversation: string; draft: string; rev: number; ops: Op[]; from: string }
  | { type: "live.reset"; conversation: string; draft: string; rev: number; text: string; from: string }
  | { type: "live.clear"; conversation: string; draft: string; from: string }
  | { type: "consent.changed"; conversation: string; participant: string; purpose: Purpose; state: Consent["state"]; epoch: number }
  | { type: "session.started" | "session.ended"; conversation: string; session: string; at: string; n: number }
  | { type: "composition.opened"; conversation: string; draft: string; from: string }
  | { type: "composition.deleted"; conversation: string; draft: string | null; from: string }
  | { type: "message.deleted"; conversation: string; n: number; message: string; from: string; at: string }
  | PacingFrame | SymbolFrame | AttuneFrame
  | SafetyFrame | ExerciseFrame | AgreementFrame | AppointmentFrame | LaterFrame
  | { type: "conversation.left" | "conversation.returned"; conversation: string; n: number; from: string; at: string }
  | { type: "away.began"; conversation: string; n: number; from: string; at: string; until?: string; text: string }
  | { type: "away.ended"; conversation: string; n: number; from: string; at: string }
  | { type: "resume.reset"; conversation: string; last_seq: number; last_n: number }
  | { type: "conversation.erased"; conversation: string; at: string }
  | ({ type: "conversation.added"; conversation: string } & ConversationState);
export type ServerFrame = Welcome | Ok | ErrorFrame | About | { type: "reconnect"; retry_ms: number } | { type: "live.pad" };

export type ClientFrame = { type: string; conversation?: string } & Record<string, unknown>;

/** A request that was answered by `error`, or by nothing since the connection was lost (`code` "lost"). */
export class Refused extends Error {
  constructor(readonly code: string, readonly details: Record<string, unknown> = {}) { super(code); }
}
