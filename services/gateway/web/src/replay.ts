/** A composition played back: what stood there after each operation, what was deleted included. */

import type { Op } from "./protocol";
import { Written, type Piece } from "./written";

export class Replay {
  #written = new Written();
  #at = 0;
  /** Milliseconds from the beginning to behind each operation. */
  readonly times: readonly number[];

  constructor(readonly ops: readonly Op[]) {
    let time = 0;
    this.times = ops.map((op) => (time += op[0]));
  }

  /** How many operations have been played. */
  get at(): number { return this.#at; }
  get ended(): boolean { return this.#at >= this.ops.length; }

  /** Go to where so many operations have been played, forwards or back. */
  seek(at: number): void {
    const wanted = Math.max(0, Math.min(this.ops.length, at));
    if (wanted < this.#at) { this.#written = new Written(); this.#at = 0; }
    while (this.#at < wanted) this.#written.play(this.ops[this.#at++] as Op);
  }

  /** Where the next deletion has just happened; null where there is none. */
  nextDeletion(): number | null {
    const next = this.ops.findIndex((op, index) => index >= this.#at && op[1] === "d");
    return next < 0 ? null : next + 1;
  }

  /** What stands there now, and what was deleted, in their places. */
  pieces(): Piece[] { return this.#written.pieces(); }
}
