/** A reader's side of live text: a draft as it was received, shown at the pace at which it was written. */

import { apply } from "./drafts";
import type { Op } from "./protocol";
import { Written, type Piece } from "./written";

/** How far behind the author a draft may be shown, at most; what waits longer is played faster. */
export const BEHIND_MS = 500;
/** For how long a deletion is seen. */
export const GONE_MS = 700;

interface Due { op: Op; at: number }

export class Draft {
  rev = 0;
  /** What was received: the author's text. */
  text = "";
  #written = new Written();
  #queue: Due[] = [];
  #last = -Infinity;
  #forgetAt = Infinity;

  constructor(readonly id: string, readonly from: string) {}

  /** What the author did, received at `now` (ms). */
  edit(rev: number, ops: readonly Op[], now: number): void {
    this.rev = rev;
    this.text = apply(this.text, ops);
    for (const op of ops) {
      this.#last = Math.max(now, this.#last + op[0]);
      this.#queue.push({ op, at: this.#last });
    }
    const late = this.#last - now;
    if (late <= BEHIND_MS) return;
    for (const due of this.#queue) due.at = now + Math.max(0, due.at - now) * (BEHIND_MS / late);
    this.#last = now + BEHIND_MS;
  }

  /** The whole text, shown at once. */
  reset(rev: number, text: string): void {
    this.rev = rev;
    this.text = text;
    this.#written = new Written(text);
    this.#queue = [];
    this.#last = -Infinity;
    this.#forgetAt = Infinity;
  }

  /** Play what is due at `now`; returns in how many ms there is more to do, or null. */
  play(now: number): number | null {
    // A replacement is a deletion and an insertion without a pause: both at once, or half of it would be seen.
    while (this.#queue[0] && (this.#queue[0].at <= now)) {
      const { op } = this.#queue.shift() as Due;
      this.#written.play(op);
      if (op[1] === "d") this.#forgetAt = now + GONE_MS;
    }
    if (this.#forgetAt <= now) { this.#written.forget(); this.#forgetAt = Infinity; }
    const next = Math.min(this.#queue[0]?.at ?? Infinity, this.#forgetAt);
    return next === Infinity ? null : next - now;
  }

  /** Show all that was received, and nothing of what was deleted. */
  playAll(): void {
    this.play(Infinity);
    this.#written.forget();
    this.#forgetAt = Infinity;
  }

  /** What is shown, before and behind the caret. */
  halves(): [Piece[], Piece[]] { return this.#written.halves(); }
}
