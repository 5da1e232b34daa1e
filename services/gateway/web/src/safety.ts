/** Safety, as frames tell of it: what was raised and waits to be seen, where help is, the plan, and what is asked at intake. */

import type { Answer, Asked } from "./exercises";

export interface Contact { name: string; call?: string; text?: string; link?: string; hours?: string; note?: string }
export interface Resources {
  version: number; region: string; name: string; emergency: string[]; contacts: Contact[]; regions: { region: string; name: string }[];
}
/** `also`: what was said with it when there were too many already; in no record, so it lives as long as the page. */
export interface OpenRaise { raised: string; from: string; at: string; escalated_at?: string; text?: string; also?: string[] }
export interface Raised extends OpenRaise { acknowledged_at?: string; acknowledged_by?: string }

interface Told { conversation: string; n: number; record: string; from: string; at: string }
export type SafetyFrame =
  | { type: "safety.alert"; conversation: string; record: string; from: string; at: string; text?: string; joined?: boolean }
  | (Told & { type: "safety.raised"; raised_at: string; text?: string })
  | (Told & { type: "safety.acknowledged" | "safety.escalated"; raised: string })
  | (Told & { type: "safety_plan.saved"; version: number; plan: Plan })
  | (Told & { type: "suitability.answered"; version: number; answers: Record<string, Answer> });

/** Before anything was heard: what works on mobile phones in most countries. */
export const NOWHERE: Resources = {
  version: 0, region: "ZZ", name: "", emergency: ["112"], regions: [],
  contacts: [{ name: "findahelpline.com", link: "https://findahelpline.com" }],
};

export function isSafety(frame: { type: string }): frame is SafetyFrame { return frame.type.startsWith("safety."); }

/** An address that a telephone dials, or writes to. */
export function dial(scheme: "tel" | "sms", number: string): string { return `${scheme}:${number.replaceAll(" ", "")}`; }

export class Raises {
  #open = new Map<string, OpenRaise>();
  #seen = new Set<string>();

  get open(): OpenRaise[] { return [...this.#open.values()]; }

  /** What a welcome says, whole: what isn't there was seen. */
  load(raises: readonly OpenRaise[]): void {
    const before = this.#open;
    this.#open = new Map(raises.map((one) => [one.raised, { ...before.get(one.raised), ...one }]));
  }

  /** What was said with those that are open; a list has only what is on record. */
  say(raises: readonly Raised[]): void {
    for (const { raised, text } of raises) {
      const found = this.#open.get(raised);
      if (found && text !== undefined) found.text = text;
    }
  }

  take(frame: SafetyFrame): void {
    if (frame.type === "safety.alert" && frame.joined) {
      const found = this.#open.get(frame.record);
      if (found && frame.text !== undefined) found.also = [...new Set([...found.also ?? [], frame.text])]; // it is asked again
    } else if (frame.type === "safety.alert" || frame.type === "safety.raised") {
      if (this.#seen.has(frame.record)) return;
      const { record: raised, from, text } = frame;
      const at = frame.type === "safety.raised" ? frame.raised_at : frame.at;
      this.#open.set(raised, { ...this.#open.get(raised), raised, from, at, ...(text === undefined ? {} : { text }) });
    } else if (frame.type === "safety.acknowledged") {
      this.#open.delete(frame.raised);
      this.#seen.add(frame.raised);
    } else if (frame.type === "safety.escalated") {
      const found = this.#open.get(frame.raised);
      if (found) found.escalated_at = frame.at;
    }
  }
}

/** Asks for help until it is on record, whatever is lost on the way; by one id, so that it is once. */
export class Raising {
  #waiting: { record: string; text?: string } | null = null;
  #joined = false;

  constructor(private readonly ask: (frame: { type: string } & Record<string, unknown>) => Promise<{ recorded?: boolean; joined?: boolean; resources?: Resources }>) {}

  get waits(): boolean { return this.#waiting !== null; }
  /** So many wait to be seen that the last answer was: it stands with them, and what it says is in no record. */
  get joined(): boolean { return this.#joined; }

  /** As `again`, with something new to say. */
  async raise(text: string): Promise<Resources | null> {
    this.#waiting = { record: crypto.randomUUID(), ...(text ? { text } : {}) };
    return this.again();
  }

  /** Ask once more, if it isn't on record. Where help is; null: nothing was asked. Throws what `ask` does. */
  async again(): Promise<Resources | null> {
    const asked = this.#waiting;
    if (!asked) return null;
    const ok = await this.ask({ type: "safety.raise", ...asked });
    this.#joined = ok.joined === true;
    if (ok.recorded) this.recorded(asked.record);
    return ok.resources ?? null;
  }

  recorded(record: string): void { if (this.#waiting?.record === record) this.#waiting = null; }
}

// --- the plan ---------------------------------------------------------------------------------------------------------

export const PLAN_LISTS = ["warning_signs", "coping", "people", "places", "professionals", "making_safe"] as const;
export type PlanList = (typeof PLAN_LISTS)[number];
export type Plan = Record<PlanList, string[]>;
export const EMPTY_PLAN: Plan = { warning_signs: [], coping: [], people: [], places: [], professionals: [], making_safe: [] };

/** One on each line. */
export function items(field: string): string[] { return field.split("\n").map((line) => line.trim()).filter(Boolean); }

/** What this person changed, on top of what the other saved meanwhile: their lines stay, and none is lost. */
export function merged(base: Plan, mine: Plan, theirs: Plan): Plan {
  const one = (list: PlanList): string[] => {
    const removed = new Set(base[list].filter((item) => !mine[list].includes(item)));
    const kept = theirs[list].filter((item) => !removed.has(item));
    return [...kept, ...mine[list].filter((item) => !base[list].includes(item) && !kept.includes(item))];
  };
  return Object.fromEntries(PLAN_LISTS.map((list) => [list, one(list)])) as Plan;
}

// --- suitability ------------------------------------------------------------------------------------------------------

type Words = Record<string, string>;
export interface IntakeQuestion { id: string; text: Words; answer: Asked; optional: boolean }
export interface IntakeForm { version: number; title: Words; about: Words; questions: IntakeQuestion[] }
export interface Answered { version: number; at: string; answers: Record<string, Answer> }
export interface Advice { id: string; weight: "consider" | "important"; advice: Words }
