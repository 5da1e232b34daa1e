/** Drafts as code points: the difference of two texts as operations, and operations applied to a text. */

import type { Level, Op } from "./protocol";

export const BULLET = "\u2022";
export const OPS_MOST = 200;
/** The longest message and draft, in code points. */
export const TEXT_MOST = 8_000;

const utf8 = new TextEncoder();
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** What leaves the device at a level: the words themselves, or a bullet for each code point. */
export function shown(text: string, level: Level): string {
  return level === "letters" ? text : BULLET.repeat(length(text));
}

/**
 * Operations that turn `before` into `after`, by whole graphemes (UAX #29): what lies between their common beginning and
 * end is replaced. Where that leaves a choice (a letter more in "aaa"), `caret`, as an index of `after`, says where.
 */
export function difference(before: string, after: string, waitMs: number, caret = after.length): Op[] {
  if (before === after) return [];
  const shorter = Math.min(before.length, after.length);
  let tail = 0, head = 0;
  const grow = (most: number): void => {
    while (tail < most && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  };
  grow(Math.min(shorter, after.length - caret));
  while (head < shorter - tail && before[head] === after[head]) head += 1;
  grow(shorter - head);
  [head, tail] = whole(before, after, head, tail);
  const wait = Math.max(0, Math.min(60_000, Math.round(waitMs)));
  const at = length(before.slice(0, head)), gone = length(before.slice(head, before.length - tail));
  const added = after.slice(head, after.length - tail);
  const ops: Op[] = [];
  if (gone) ops.push([wait, "d", at, gone]);
  if (added) ops.push([gone ? 0 : wait, "i", at, added]);
  return ops;
}

/** How much of the common beginning and end is of whole graphemes in both texts. */
function whole(before: string, after: string, head: number, tail: number): [number, number] {
  const texts = [before, after].map((text) => ({ text, at: graphemes.segment(text) }));
  for (let settled = false; !settled;) {
    settled = true;
    for (const { text, at } of texts) {
      const first = at.containing(head);
      if (first && first.index < head) { head = first.index; settled = false; }
      const last = at.containing(text.length - tail);
      const end = last ? last.index + last.segment.length : text.length;
      if (last && last.index < text.length - tail) { tail = text.length - end; settled = false; }
    }
  }
  return [head, tail];
}

/** The operations in portions of at most `OPS_MOST`, and of so many bytes; a replacement stays together where it can. */
export function portions(ops: readonly Op[], bytes = Infinity): Op[][] {
  const all: Op[][] = [];
  let portion: Op[] = [], left = bytes;
  const waiting = [...ops].reverse();
  for (let op = waiting.pop(); op; op = waiting.pop()) {
    const takes = size(JSON.stringify(op)) + 1, next = waiting.at(-1);
    const parted = portion.length === OPS_MOST - 1 && op[1] === "d" && next?.[1] === "i" && next[0] === 0;
    if (portion.length && (takes > left || parted || portion.length === OPS_MOST)) {
      all.push(portion);
      portion = [];
      left = bytes;
    }
    if (takes > bytes && op[1] === "i") {
      const [head, rest] = cut(op[3], bytes - 20);
      waiting.push([0, "i", op[2] + length(head), rest]);
      op = [op[0], "i", op[2], head];
    }
    portion.push(op);
    left -= takes;
  }
  if (portion.length) all.push(portion);
  return all;
}

/** A text's longest beginning of whole graphemes that takes at most so many bytes as JSON (one at least), and the rest. */
export function cut(text: string, bytes: number): [string, string] {
  if (size(JSON.stringify(text)) <= bytes) return [text, ""];
  let end = 0, left = bytes - 2;
  for (const { segment } of graphemes.segment(text)) {
    left -= size(JSON.stringify(segment)) - 2;
    if (left < 0 && end) break;
    end += segment.length;
  }
  return [text.slice(0, end), text.slice(end)];
}

/** How many bytes a text takes in UTF-8. */
export function size(text: string): number { return utf8.encode(text).length; }

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
export function length(text: string): number {
  let points = 0;
  for (const _ of text) points += 1;
  return points;
}

/** The text without a lone surrogate or NUL, which can't be sent, nor stored. */
export function sendable(text: string): string {
  return text.replace(/\p{Surrogate}|\0/gu, "");
}
