/** Sessions that are to come, as frames tell of them, and the facts of those that were. */

import type { Purpose } from "./protocol";

export type AppointmentState = "scheduled" | "started" | "cancelled" | "missed";
export interface LocalMoment { at: string; zone: string }
export interface Appointment {
  session: string; state: AppointmentState; revision: number; when: LocalMoment; minutes: number; starts_at: string; held_as?: string; changed_at: string;
}
export interface Facts {
  session: string; started_at: string; ended_at: string | null; duration_s: number;
  pacing: { participants: Record<string, { messages: number; words: number; share: number | null }> };
  symbols: { symbol: string; uses: Record<string, number> }[]; agreements: { agreement: string; state: string; how?: string }[];
  exercises: { run: string; exercise: string; state: string; before?: number; after?: number }[];
  attunement_open: { check: string; message: string }[];
}

interface Told { conversation: string; n: number; record: string; from: string; at: string; session: string }
export type AppointmentFrame = Told & (
  | { type: "session.scheduled" | "session.rescheduled"; revision: number; when: LocalMoment; minutes: number; starts_at: string }
  | { type: "session.cancelled" | "session.missed" }
  | { type: "session.disclaimer"; forms: Record<string, Purpose[]> });

const KINDS = new Set(["session.scheduled", "session.rescheduled", "session.cancelled", "session.missed", "session.disclaimer"]);
export function isAppointment(frame: { type: string }): frame is AppointmentFrame { return KINDS.has(frame.type); }

export class Appointments {
  #all = new Map<string, Appointment>();

  load(appointments: readonly Appointment[]): void {
    for (const one of appointments) this.#all.set(one.session, one);
  }

  take(frame: AppointmentFrame): void {
    const found = this.#all.get(frame.session);
    if (frame.type === "session.scheduled" || frame.type === "session.rescheduled") {
      const { session, revision, when, minutes, starts_at, at } = frame;
      if (found && found.revision >= revision) return;
      this.#all.set(session, { session, state: "scheduled", revision, when, minutes, starts_at, changed_at: at });
    } else if (found && frame.type !== "session.disclaimer") {
      found.state = frame.type === "session.missed" ? "missed" : "cancelled";
    }
  }

  /** A session has started: the one of this id, or the one whose time it is, as the service tells at the next look. */
  started(session: string): void {
    const found = this.#all.get(session);
    if (found) found.state = "started";
  }

  /** Those to come, the next one first. */
  get open(): Appointment[] {
    return [...this.#all.values()].filter(({ state }) => state === "scheduled").sort((a, b) => Date.parse(a.starts_at) - Date.parse(b.starts_at));
  }
  get missed(): Appointment[] { return [...this.#all.values()].filter(({ state }) => state === "missed"); }
}
