import { describe, expect, it } from "vitest";
import { EMPTY_PLAN, Raises, Raising, dial, items, merged, type Plan, type SafetyFrame } from "../src/safety";

const base = { conversation: "c", n: 1, record: "r", from: "me", at: "2026-03-02T09:15:30.250Z" };
const told = (frame: Record<string, unknown>): SafetyFrame => ({ ...base, ...frame } as unknown as SafetyFrame);
const raised = told({ type: "safety.raised", raised_at: "2026-03-02T09:10:00.000Z", text: "now" });

describe("what was raised", () => {
  it("is one, whether it was told before it was recorded, after, or both", () => {
    const all = new Raises();
    all.take(told({ type: "safety.alert", text: "now" }));
    all.take(raised);
    expect(all.open).toEqual([{ raised: "r", from: "me", at: "2026-03-02T09:10:00.000Z", text: "now" }]);
  });
  it("stays until it is seen, and doesn't come back", () => {
    const all = new Raises();
    all.take(raised);
    all.take(told({ type: "safety.escalated", raised: "r", at: "2026-03-02T09:20:00.000Z" }));
    expect(all.open[0]?.escalated_at).toBe("2026-03-02T09:20:00.000Z");
    all.take(told({ type: "safety.acknowledged", raised: "r" }));
    expect(all.open).toEqual([]);
    all.take(told({ type: "safety.alert" })); // late, from a slower gateway
    expect(all.open).toEqual([]);
  });
  it("has what was said with it when there were too many, once, as long as it is open", () => {
    const all = new Raises();
    all.take(raised);
    for (const more of ["worse", "worse", "here"]) all.take(told({ type: "safety.alert", text: more, joined: true, at: "later" }));
    all.take(told({ type: "safety.alert", text: "late", joined: true, record: "gone" }));
    all.load([{ raised: "r", from: "me", at: "x" }]);
    all.say([{ raised: "r", from: "me", at: "x", text: "now" }]);
    expect(all.open).toEqual([{ raised: "r", from: "me", at: "x", text: "now", also: ["worse", "here"] }]);
  });
  it("is what a welcome says, with the words that are known", () => {
    const all = new Raises();
    all.take(raised);
    all.load([{ raised: "r", from: "me", at: "x" }, { raised: "q", from: "you", at: "y" }]);
    expect(all.open.map((one) => [one.raised, one.text])).toEqual([["r", "now"], ["q", undefined]]);
    all.say([{ raised: "q", from: "you", at: "y", text: "help" }, { raised: "p", from: "you", at: "y", text: "seen long ago" }]);
    expect(all.open.map((one) => one.text)).toEqual(["now", "help"]);
    all.load([]);
    expect(all.open).toEqual([]);
  });
});

describe("raising", () => {
  it("asks on by the same id until it is on record", async () => {
    const asked: Record<string, unknown>[] = [];
    const answers: ({ recorded: boolean } | Error)[] = [new Error("lost"), { recorded: false }, { recorded: true }];
    const raising = new Raising((frame) => {
      asked.push(frame);
      const answer = answers[asked.length - 1] as { recorded: boolean } | Error;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    });
    await expect(raising.raise("now")).rejects.toThrow("lost");
    await raising.again();
    expect(raising.waits).toBe(true);
    await raising.again();
    expect(raising.waits).toBe(false);
    await raising.again();
    expect(asked).toHaveLength(3);
    expect(new Set(asked.map((frame) => frame["record"])).size).toBe(1);
    expect(asked.map((frame) => frame["text"])).toEqual(["now", "now", "now"]);
  });
  it("goes on with what is said where there were too many, and knows it", async () => {
    const answers = [{ recorded: false, joined: true }, { recorded: true }];
    const raising = new Raising(() => Promise.resolve(answers.shift() ?? {}));
    await raising.raise("now");
    expect([raising.joined, raising.waits]).toEqual([true, true]);
    await raising.again();
    expect([raising.joined, raising.waits]).toEqual([false, false]);
  });
  it("is over when the record is told", async () => {
    let record = "";
    const raising = new Raising((frame) => { record = String(frame["record"]); return Promise.resolve({ recorded: false }); });
    await raising.raise("");
    raising.recorded("another");
    expect(raising.waits).toBe(true);
    raising.recorded(record);
    expect(raising.waits).toBe(false);
  });
});

describe("the plan", () => {
  const plan = (coping: string[]): Plan => ({ ...EMPTY_PLAN, coping });
  it("keeps what both changed", () => {
    expect(merged(plan(["a", "b"]), plan(["b", "mine"]), plan(["a", "b", "theirs"])).coping).toEqual(["b", "theirs", "mine"]);
  });
  it("has what both wrote once", () => {
    expect(merged(plan([]), plan(["same"]), plan(["same"])).coping).toEqual(["same"]);
  });
  it("is written one on each line", () => { expect(items(" a \n\n b")).toEqual(["a", "b"]); });
});

it("numbers are dialled without their spaces", () => { expect(dial("tel", "0800 1110111")).toBe("tel:08001110111"); });
