/** A composition played back: what stood there after each operation, what was deleted included. */

import type { Op } from "./protocol";

export interface Piece { text: string; gone: boolean }

interface Point { point: string; gone: boolean }

export class Replay {
  #points: Point[] = [];
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
    if (wanted < this.#at) { this.#points = []; this.#at = 0; }
    while (this.#at < wanted) this.#play(this.ops[this.#at++] as Op);
  }

  /** Where the next deletion has just happened; null where there is none. */
  nextDeletion(): number | null {
    const next = this.ops.findIndex((op, index) => index >= this.#at && op[1] === "d");
    return next < 0 ? null : next + 1;
  }

  /** What stands there now, and what was deleted, in their places. */
  pieces(): Piece[] {
    const pieces: Piece[] = [];
    for (const { point, gone } of this.#points) {
      const last = pieces[pieces.length - 1];
      if (last && last.gone === gone) last.text += point;
      else pieces.push({ text: point, gone });
    }
    return pieces;
  }

  #play(op: Op): void {
    const index = this.#index(op[2]);
    if (op[1] === "i") {
      this.#points.splice(index, 0, ...[...op[3]].map((point) => ({ point, gone: false })));
      return;
    }
    let left = op[3];
    for (let i = index; left > 0 && i < this.#points.length; i += 1) {
      const point = this.#points[i] as Point;
      if (point.gone) continue;
      point.gone = true;
      left -= 1;
    }
  }

  /** Where the point at a position of the text stands among all, the deleted ones included; new ones go behind those. */
  #index(position: number): number {
    let standing = 0;
    for (const [index, { gone }] of this.#points.entries()) {
      if (gone) continue;
      if (standing === position) return index;
      standing += 1;
    }
    return this.#points.length;
  }
}
