import { expect, it } from "vitest";
import type { Op } from "../src/protocol";
import { BEHIND_MS, Draft, GONE_MS } from "../src/rhythm";

function standing(draft: Draft): string {
  return draft.halves().flat().filter((piece) => !piece.gone).map((piece) => piece.text).join("");
}

function typed(text: string, waitMs: number): Op[] {
  return [...text].map((point, index) => [waitMs, "i", index, point]);
}

it("plays each operation after its pause", () => {
  const draft = new Draft("d", "p");
  draft.edit(1, typed("abc", 40), 1_000);
  expect([draft.play(1_000), standing(draft)]).toEqual([40, "a"]);
  expect([draft.play(1_039), standing(draft)]).toEqual([1, "a"]);
  expect([draft.play(1_040), standing(draft)]).toEqual([40, "ab"]);
  expect([draft.play(1_080), standing(draft)]).toEqual([null, "abc"]);
});

it("goes on at the author's pace from one frame to the next", () => {
  const draft = new Draft("d", "p");
  draft.edit(1, [[0, "i", 0, "a"], [90, "i", 1, "b"]], 0);
  draft.edit(2, [[90, "i", 2, "c"]], 100);
  draft.play(0);
  expect([draft.play(90), standing(draft)]).toEqual([90, "ab"]);
  expect([draft.play(180), standing(draft)]).toEqual([null, "abc"]);
});

it("shows at once what comes late", () => {
  const draft = new Draft("d", "p");
  draft.edit(1, [[0, "i", 0, "a"]], 0);
  draft.edit(2, [[10, "i", 1, "b"]], 3_000);
  expect([draft.play(3_000), standing(draft)]).toEqual([null, "ab"]);
});

it("is never further behind than it may be, and catches up evenly", () => {
  const draft = new Draft("d", "p");
  draft.edit(1, typed("abcdefghijk", 500), 0);
  const moments: number[] = [];
  for (let wait = draft.play(0), now = 0; wait !== null; wait = draft.play(now)) {
    moments.push(wait);
    now += wait;
  }
  expect(standing(draft)).toBe("abcdefghijk");
  expect(moments.reduce((sum, wait) => sum + wait, 0)).toBeCloseTo(BEHIND_MS);
  for (const wait of moments) expect(wait).toBeCloseTo(BEHIND_MS / 10);
});

it("shows a replacement at once, not its half", () => {
  const draft = new Draft("d", "p");
  draft.reset(1, "teh");
  draft.edit(2, [[300, "d", 1, 2], [0, "i", 1, "he"]], 0);
  for (const now of [0, 100, 299]) { draft.play(now); expect(["teh", "the"]).toContain(standing(draft)); }
  draft.play(300);
  expect(standing(draft)).toBe("the");
});

it("shows what was deleted for a while, with the caret before it", () => {
  const draft = new Draft("d", "p");
  draft.reset(4, "I hate it");
  draft.edit(5, [[0, "d", 2, 4]], 0);
  expect(draft.play(0)).toBe(GONE_MS);
  expect(draft.halves()).toEqual([[{ text: "I ", gone: false }], [{ text: "hate", gone: true }, { text: " it", gone: false }]]);
  expect(draft.play(GONE_MS)).toBeNull();
  expect(draft.halves()).toEqual([[{ text: "I ", gone: false }], [{ text: " it", gone: false }]]);
});

it("shows the whole text at once, whatever was waiting", () => {
  const draft = new Draft("d", "p");
  draft.edit(1, typed("abc", 400), 0);
  draft.reset(7, "xyz");
  expect([draft.play(0), standing(draft)]).toEqual([null, "xyz"]);
});

it("plays all for whom motion disturbs", () => {
  const draft = new Draft("d", "p");
  draft.edit(1, [...typed("abc", 400), [400, "d", 0, 1]], 0);
  draft.playAll();
  expect(draft.halves()).toEqual([[], [{ text: "bc", gone: false }]]);
});
