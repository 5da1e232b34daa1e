/** An author's side of live text: what the field holds, told as operations, and only while it may be told. */

import { TEXT_MOST, cut, difference, length, portions, sendable, shown } from "./drafts";
import type { ClientFrame, Level, Ok, Op } from "./protocol";

const FRAME_MS = 100;
/** What a frame of live text has besides its operations: ids, names, a little more. */
const FRAME_BESIDES = 220;
/** Refusals after which the gateway takes the whole text; after any other, this draft isn't shown. */
const MENDABLE = new Set(["bad_rev", "bad_op", "rate_limited", "unavailable"]);

/** Why nothing leaves the device for now: the author's private breath; a paste that isn't confirmed. */
export type Hold = "breath" | "paste";

export interface Wire {
  ask: (frame: ClientFrame) => Promise<Ok>;
  /** Send what is answered only where it is refused: see `refused`. */
  tell: (frame: ClientFrame) => void;
  now: () => number;
  /** The size of frames to keep to; null where any will do. */
  frameBytes: () => number | null;
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
  #caret = 0;
  readonly holds = new Set<Hold>();

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
    if (this.#shows && this.#text) this.#reset();
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
    if (this.#shows && this.#text) this.#reset();
  }

  /** Keep to oneself what is written from now on; what was written before is told. */
  hold(why: Hold): void {
    this.flush();
    this.holds.add(why);
  }

  /** What stands there now is told, and nothing of what came and went meanwhile. */
  release(why: Hold): void {
    if (this.holds.delete(why) && this.#shows) this.typed(this.#text, this.#caret);
  }

  get #shows(): boolean { return this.level !== null && !this.suspended && !this.holds.size; }

  /** The field holds this now, and the caret is there (an index of the text). */
  typed(text: string, caret = text.length): void {
    this.#text = sendable(text);
    this.#caret = sendable(text.slice(0, caret)).length;
    if (!this.level || !this.#shows) return;
    if (this.#tooLong()) return;
    const next = shown(this.#text, this.level);
    const now = this.wire.now();
    const at = shown(this.#text.slice(0, this.#caret), this.level).length;
    const ops = difference(this.#told, next, this.#last === null ? 0 : now - this.#last, at);
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
    if (!this.#shows) return;
    if (this.#stale) { this.#reset(); return; }
    this.#edits(this.#ops.splice(0));
  }

  #edits(ops: readonly Op[]): void {
    for (const portion of portions(ops, this.#room)) {
      this.#rev += 1;
      this.#tell({ type: "live.edit", draft: this.#draft, rev: this.#rev, ops: portion });
    }
  }

  get #room(): number { return (this.wire.frameBytes() ?? Infinity) - FRAME_BESIDES; }

  /** The draft was sent as a message, or put away: the next one has another id. */
  next(): void {
    this.#draft = crypto.randomUUID();
    this.#text = "";
    this.#caret = 0;
    this.holds.delete("paste"); // of the draft that is gone
    this.#forget();
  }

  /** Take the draft back: the others see it end. */
  cancel(): void {
    if (this.level && this.#rev > 0) this.#tell({ type: "live.clear", draft: this.#draft });
    this.next();
  }

  /** Answers would be frames too, and there is one a tick: so only a refusal is heard of. */
  #tell(frame: ClientFrame): void {
    this.wire.tell({ ...frame, conversation: this.conversation });
  }

  /** What was told was refused. */
  refused(code: string, details: Record<string, unknown>): void {
    if (!this.level || !MENDABLE.has(code)) return; // switched off or withdrawn: `live.changed` says what became of it
    this.#stale = true; // what the gateway has isn't what we told: begin again with the whole text
    this.#timer ??= setTimeout(() => this.#reset(), Number(details["retry_ms"] ?? FRAME_MS)) as unknown as number;
  }

  #reset(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.level || !this.#shows || this.#tooLong()) return;
    this.#ops = [];
    this.#stale = false;
    this.#rev += 1;
    this.#told = shown(this.#text, this.level);
    this.#last = this.wire.now();
    const [head, rest] = cut(this.#told, this.#room);
    this.#tell({ type: "live.reset", draft: this.#draft, rev: this.#rev, text: head });
    if (rest) this.#edits([[0, "i", length(head), rest]]);
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
