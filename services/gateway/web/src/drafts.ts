/** Drafts as code points: the difference of two texts as operations, and operations applied to a text. */

import type { Level, Op } from "./protocol";

export const BULLET = "\u2022";
export const OPS_MOST = 200;
/** The longest message and draft, in code points. */
export const TEXT_MOST = 8_000;

/** What leaves the device at a level: the words themselves, or a bullet for each code point. */
export function shown(text: string, level: Level): string {
  return level === "letters" ? text : BULLET.repeat(length(text));
}

/** Operations that turn `before` into `after`: what lies between their common beginning and end is replaced. */
export function difference(before: string, after: string, waitMs: number): Op[] {
  const a = [...before], b = [...after];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const wait = Math.max(0, Math.min(60_000, Math.round(waitMs)));
  const ops: Op[] = [];
  if (a.length - tail > head) ops.push([wait, "d", head, a.length - tail - head]);
  const added = b.slice(head, b.length - tail).join("");
  if (added) ops.push([ops.length ? 0 : wait, "i", head, added]);
  return ops;
}

/** The text after the operations. */
export function apply(text: string, ops: readonly Op[]): string {
  const points = [...text];
  for (const op of ops) {
    if (op[1] === "i") points.splice(op[2], 0, ...op[3]);
    else points.splice(op[2], op[3]);
  }
  return points.join("");
}

/** How long a text is for the protocol. */
export function length(text: string): number { return [...text].length; }

/** The text without a lone surrogate or NUL, which can't be sent, nor stored. */
export function sendable(text: string): string {
  return text.replace(/\p{Surrogate}|\0/gu, "");
}
