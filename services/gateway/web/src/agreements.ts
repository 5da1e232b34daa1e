/** Agreements, as frames tell of them: how each stands, and what a person can do with it now. */

export type AgreementState = "proposed" | "agreed" | "declined" | "closed";
export type How = "done" | "partly" | "not_yet";
export interface Reminder { at: string; zone: string }
export interface Agreement {
  agreement: string; state: AgreementState; wording: number; author: string; what: string;
  until?: string; remind?: Reminder; will_remind: boolean; how?: How; changed_at: string;
}

interface Told { conversation: string; n: number; record: string; from: string; at: string }
export type AgreementFrame = Told & (
  | { type: "agreement.proposed" | "agreement.revised"; agreement: string; wording: number; what: string; until?: string; remind?: Reminder }
  | { type: "agreement.accepted"; agreement: string; wording: number; remind: boolean }
  | { type: "agreement.declined" | "agreement.closed" | "agreement.reminded"; agreement: string }
  | { type: "agreement.reported"; agreement: string; how: How; text?: string }
  | { type: "agreement.due"; session: string; agreements: string[] });

export type Act = "accept" | "decline" | "revise" | "report" | "close";

/** What the session service would let this person do; in its words. */
export function acts(found: Agreement, me: string): Act[] {
  if (found.state === "agreed") return ["report", "close"];
  if (found.state !== "proposed") return [];
  return found.author === me ? ["revise", "close"] : ["accept", "decline", "revise"];
}

/** A local time as a field of the page has it, with the zone of this device; null: there is none. */
export function reminder(field: string): Reminder | null {
  return field === "" ? null : { at: field.slice(0, 16), zone: Intl.DateTimeFormat().resolvedOptions().timeZone };
}

/** The end of a day on this device, as a moment. */
export function endOf(day: string): string | null {
  if (day === "") return null;
  const moment = new Date(`${day}T23:59:00`);
  return Number.isNaN(moment.getTime()) ? null : moment.toISOString();
}

export function isAgreement(frame: { type: string }): frame is AgreementFrame { return frame.type.startsWith("agreement."); }

export class Agreements {
  #all = new Map<string, Agreement>();
  /** Those that came up as a session started, or by their reminder, and weren't looked at since. */
  readonly due = new Set<string>();

  /** The newest first, as they were told. */
  get list(): Agreement[] { return [...this.#all.values()]; }
  get open(): Agreement[] { return this.list.filter(({ state }) => state === "proposed" || state === "agreed"); }
  get(agreement: string): Agreement | undefined { return this.#all.get(agreement); }

  load(agreements: readonly Agreement[]): void {
    for (const one of agreements) this.#all.set(one.agreement, one);
  }

  take(frame: AgreementFrame): void {
    if (frame.type === "agreement.due") { for (const id of frame.agreements) this.due.add(id); return; }
    const found = this.#all.get(frame.agreement);
    if (frame.type === "agreement.proposed" || frame.type === "agreement.revised") {
      const { agreement, wording, what, until, remind, from, at } = frame;
      if (found && found.wording >= wording) return;
      const made: Agreement = { agreement, state: "proposed", wording, author: from, what, will_remind: false, changed_at: at,
        ...(until ? { until } : {}), ...(remind ? { remind } : {}) };
      this.#all = found ? this.#all.set(agreement, made) : new Map([[agreement, made], ...this.#all]);
      return;
    }
    if (!found) return;
    found.changed_at = frame.at;
    if (frame.type === "agreement.reported") {
      found.how = frame.how;
      if (frame.how === "done") found.will_remind = false;
    } else if (frame.type === "agreement.accepted") { found.state = "agreed"; found.will_remind = frame.remind;
    } else if (frame.type === "agreement.reminded") { found.will_remind = false; this.due.add(found.agreement);
    } else { found.state = frame.type === "agreement.closed" ? "closed" : "declined"; found.will_remind = false; }
    if (found.state === "closed") this.due.delete(found.agreement);
  }
}
