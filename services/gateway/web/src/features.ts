/** What a feature adds to the page: beneath a message, among what can be done with it, and to the room's menu. */

import { Refused, type About, type ClientFrame, type Message, type Ok } from "./protocol";
import { S } from "./strings";

export type Ask = (frame: ClientFrame) => Promise<Ok>;
/** What happened, as the records of a conversation give it. */
export type Happened = { type: string; n: number; record: string; from: string; at: string } & Record<string, unknown>;

export interface PageFeature {
  /** Of the room's menu; one of class `asking` is in sight also while the menu is folded. */
  readonly buttons: readonly HTMLElement[];
  /** In sight beside the menu. */
  readonly first?: readonly HTMLElement[];
  /** Shown above the messages for as long as there is something to say. */
  readonly bar?: HTMLElement;
  /** What can be done with a message. */
  actions(message: Message): HTMLElement[];
  /** Where there may be something to be seen of it beneath a message. */
  beneath(message: Message): HTMLElement;
  /** Connected, and in sight: read what isn't told of by frames. */
  arrived(): Promise<void>;
  take(frame: About): void;
  /** A record of before; they come in any order, and perhaps again. */
  recall(record: Happened): void;
}

const RECORDS = 200;

/** Reads what happened beside the messages that are in sight, once. */
export class Records {
  #first = Infinity;
  #more = true;

  constructor(private readonly conversation: string, private readonly ask: Ask, private readonly recall: (record: Happened) => void) {}

  /** Down to this `n`. */
  async from(n: number): Promise<void> {
    while (this.#more && this.#first > n) {
      const before = this.#first === Infinity ? {} : { before: this.#first };
      const { records = [], more = false } = await this.ask({ type: "record.list", conversation: this.conversation, limit: RECORDS, ...before });
      this.#more = more;
      this.#first = records[0]?.n ?? 0;
      for (const record of records) this.recall(record);
    }
  }

  /** After a reset nothing that was read is sure to be whole. */
  forget(): void { this.#first = Infinity; this.#more = true; }
}

/** Why something wasn't done, for the person who wanted it. */
export function sentence(error: unknown, of: Partial<Record<string, string>> = {}): string {
  if (!(error instanceof Refused)) return S.failed;
  return of[error.code] ?? (error.code === "lost" || error.code === "unavailable" ? S.offline : S.failed);
}
