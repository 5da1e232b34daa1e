import { expect, test } from "vitest";
import fc from "fast-check";
import { Conversation } from "../src/conversation";
import { percents, span, type Figures, type Side } from "../src/pacing";
import type { ConversationState, Message } from "../src/protocol";

const side = (share: number | null): Side => ({ messages: 0, words: 0, share, turns: 0, longest_run: 0, median_reply_s: null, interventions: {} });
const figures = (mine: number | null, theirs: number | null): Figures => ({
  participants: { me: side(mine), you: side(theirs) },
  ratios: { reflections_to_questions: null, open_to_all_questions: null, complex_to_all_reflections: null },
});

test("whole percents add up, whatever the shares", () => {
  fc.assert(fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (share) => {
    const [mine, theirs] = percents(figures(share, 1 - share), "me");
    expect(mine + theirs).toBe(100);
    expect(Math.abs(mine - share * 100)).toBeLessThanOrEqual(0.5);
  }));
});

test("before a word is said nobody has more", () => {
  expect(percents(figures(null, null), "me")).toEqual([50, 50]);
});

test("a time is told as one says it", () => {
  const units = ["s", "min", "h"] as const;
  expect([4.4, 89, 90, 600, 5_399, 5_400, 86_400].map((s) => span(s, units))).toEqual(["4 s", "89 s", "2 min", "10 min", "90 min", "2 h", "24 h"]);
});

test("a deleted message keeps its place and has no text", () => {
  const state: ConversationState = { id: "c", last_seq: 0, last_n: 0, participants: [], consents: {}, reads: {}, live: {}, session: null };
  const conversation = new Conversation(state, "me");
  const message: Message = { seq: 1, n: 1, message: "m", from: "me", text: "what I regret", at: "2026-01-02T03:04:05.678Z" };
  conversation.keep(message);
  conversation.take({ type: "message.deleted", conversation: "c", n: 2, message: "m", from: "me", at: message.at });
  expect(conversation.ordered).toMatchObject([{ seq: 1, text: "", deleted: true }]);
  expect(conversation.lastN).toBe(2);
});
