/** An author's side of live text: what the field holds, told as operations, and only while it may be told. */

import { OPS_MOST, TEXT_MOST, difference, length, sendable, shown } from "./drafts";
import { Refused, type ClientFrame, type Level, type Ok, type Op } from "./protocol";

const FRAME_MS = 100;
/** Refusals after which the gateway takes the whole text; after any other, this draft isn't shown. */
const MENDABLE = new Set(["bad_rev", "bad_op", "rate_limited", "unavailable"]);

export interface Wire {
  ask: (frame: ClientFrame) => Promise<Ok>;
  now: () => number;
}

export class LiveText {
  level: Level | null = null;
  suspended = false;
  #draft: string = crypto.randomUUID();
  #rev = 0;
  #told = "";
  #text = "";
  #ops: Op[] = [];
  #last: number | null = null;
  #timer: number | undefined;
  #stale = false;
  #turns = 0;

  constructor(private readonly conversation: string, private readonly wire: Wire) {}

  /** The id that the finished message will have. */
  get draft(): string { return this.#draft; }

  /** Switch to a level, or off. The gateway decides: rejects with `Refused`. */
  async turn(level: Level | null): Promise<void> {
    this.#turns += 1;
    const turn = this.#turns;
    this.level = null; // until the gateway has answered nothing leaves: who turns letters to rhythm means the next key too
    this.#forget();
    const off = { type: "live.toggle", conversation: this.conversation, on: false };
    if (level === null) {
      await this.wire.ask(off).catch(() => undefined);
      return;
    }
    try {
      await this.wire.ask({ ...off, on: true, level });
    } catch (error) {
      if (turn === this.#turns) void this.wire.ask(off).catch(() => undefined); // or it stays at the former level there
      throw error;
    }
    if (turn !== this.#turns) return; // overtaken by a later choice
    this.level = level;
    this.suspended = false;
    if (this.#text) this.#reset();
  }

  /** It ended without our asking: the connection was lost, or consent was withdrawn elsewhere. */
  ended(): void {
    this.#turns += 1;
    this.level = null;
    this.#forget();
  }

  pause(suspended: boolean): void {
    if (this.suspended === suspended) return;
    this.suspended = suspended;
    this.#forget();
    if (!suspended && this.level && this.#text) this.#reset();
  }

  /** The field holds this now. */
  typed(text: string): void {
    this.#text = sendable(text);
    if (!this.level || this.suspended) return;
    if (this.#tooLong()) return;
    const next = shown(this.#text, this.level);
    const now = this.wire.now();
    const ops = difference(this.#told, next, this.#last === null ? 0 : now - this.#last);
    if (!ops.length) return;
    this.#last = now;
    this.#told = next;
    this.#ops.push(...ops);
    this.#timer ??= setTimeout(() => this.flush(), FRAME_MS) as unknown as number;
  }

  /** What no draft can hold isn't shown; once it is short enough, the whole of it is. */
  #tooLong(): boolean {
    if (length(this.#text) <= TEXT_MOST) return false;
    this.#ops = [];
    this.#stale = true;
    return true;
  }

  /** Tell what has collected. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.level || !this.#ops.length) return;
    if (this.#stale) { this.#reset(); return; }
    while (this.#ops.length) {
      this.#rev += 1;
      const ops = this.#ops.splice(0, OPS_MOST);
      this.#tell({ type: "live.edit", draft: this.#draft, rev: this.#rev, ops });
    }
  }

  /** The draft was sent as a message, or put away: the next one has another id. */
  next(): void {
    this.#draft = crypto.randomUUID();
    this.#text = "";
    this.#forget();
  }

  /** Take the draft back: the others see it end. */
  cancel(): void {
    if (this.level && this.#rev > 0) this.#tell({ type: "live.clear", draft: this.#draft });
    this.next();
  }

  #tell(frame: ClientFrame): void {
    const draft = this.#draft;
    this.wire.ask({ ...frame, conversation: this.conversation }).catch((error: unknown) => {
      if (draft !== this.#draft || !(error instanceof Refused)) return;
      if (!MENDABLE.has(error.code)) return; // switched off or withdrawn: `live.changed` says what became of it
      this.#stale = true; // what the gateway has isn't what we told: begin again with the whole text
      this.#timer ??= setTimeout(() => this.#reset(), Number(error.details["retry_ms"] ?? FRAME_MS)) as unknown as number;
    });
  }

  #reset(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.level || this.suspended || this.#tooLong()) return;
    this.#ops = [];
    this.#stale = false;
    this.#rev += 1;
    this.#told = shown(this.#text, this.level);
    this.#last = this.wire.now();
    this.#tell({ type: "live.reset", draft: this.#draft, rev: this.#rev, text: this.#told });
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#ops = [];
    this.#rev = 0;
    this.#told = "";
    this.#last = null;
    this.#stale = false;
  }
}
