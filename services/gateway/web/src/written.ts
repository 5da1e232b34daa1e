/** A text as it was written: what was deleted still in its place, until it is forgotten. */

import type { Op } from "./protocol";

export interface Piece { text: string; gone: boolean }

interface Point { point: string; gone: boolean }

export class Written {
  #points: Point[];
  /** Where the last operation ended, among all points. */
  #caret: number;

  constructor(text = "") {
    this.#points = [...text].map((point) => ({ point, gone: false }));
    this.#caret = this.#points.length;
  }

  play(op: Op): void {
    const index = this.#index(op[2]);
    if (op[1] === "i") {
      const added = [...op[3]].map((point) => ({ point, gone: false }));
      this.#points = this.#points.slice(0, index).concat(added, this.#points.slice(index));
      this.#caret = index + added.length;
      return;
    }
    this.#caret = index;
    let left = op[3];
    for (let i = index; left > 0 && i < this.#points.length; i += 1) {
      const point = this.#points[i] as Point;
      if (point.gone) continue;
      point.gone = true;
      left -= 1;
    }
  }

  /** Let what was deleted vanish. */
  forget(): void {
    this.#caret -= this.#points.slice(0, this.#caret).filter((point) => point.gone).length;
    this.#points = this.#points.filter((point) => !point.gone);
  }

  /** What stands there, and what was deleted, in their places; in two halves, between which the caret is. */
  halves(): [Piece[], Piece[]] {
    return [joined(this.#points.slice(0, this.#caret)), joined(this.#points.slice(this.#caret))];
  }

  pieces(): Piece[] { return joined(this.#points); }

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

function joined(points: readonly Point[]): Piece[] {
  const pieces: Piece[] = [];
  for (const { point, gone } of points) {
    const last = pieces[pieces.length - 1];
    if (last && last.gone === gone) last.text += point;
    else pieces.push({ text: point, gone });
  }
  return pieces;
}
