/** One's own messages that wait for their time. */

export interface Later { message: string; wording: number; at: string; text: string; tone?: string; in_reply_to?: string }
export type LaterFrame = { type: "message.later_changed"; conversation: string; message: string; wording: number;
  state: "waiting" | "sent" | "recalled" | "not_sent"; at?: string };

/** A field's local time as a moment; null: there is none, or it is over. */
export function momentOf(field: string, now: number = Date.now()): string | null {
  const moment = new Date(field);
  return Number.isNaN(moment.getTime()) || moment.getTime() <= now ? null : moment.toISOString();
}

export class Waiting {
  #all = new Map<string, Later>();
  /** Those whose time came when somebody had left. */
  readonly unsent = new Set<string>();

  get list(): Later[] { return [...this.#all.values()].sort((a, b) => Date.parse(a.at) - Date.parse(b.at)); }

  load(later: readonly Later[]): void { this.#all = new Map(later.map((one) => [one.message, one])); }

  /** Whether what is known isn't enough: another of one's devices wrote it. */
  take(frame: LaterFrame): boolean {
    if (frame.state === "waiting") return this.#all.get(frame.message)?.wording !== frame.wording;
    this.#all.delete(frame.message);
    if (frame.state === "not_sent") this.unsent.add(frame.message);
    return false;
  }
}
