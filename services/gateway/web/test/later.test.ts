import { describe, expect, it } from "vitest";
import { Waiting, momentOf, type Later, type LaterFrame } from "../src/later";

const one = (message: string, at: string, wording = 1): Later => ({ message, wording, at, text: message });
const told = (frame: Partial<LaterFrame>): LaterFrame => ({ type: "message.later_changed", conversation: "c", message: "a", wording: 1, state: "waiting", ...frame });

describe("what waits", () => {
  it("is in the order of its time", () => {
    const waiting = new Waiting();
    waiting.load([one("b", "2026-12-02T08:00:00Z"), one("a", "2026-12-01T09:00:00+02:00")]);
    expect(waiting.list.map(({ message }) => message)).toEqual(["a", "b"]);
  });
  it("is gone once it is sent or recalled", () => {
    const waiting = new Waiting();
    waiting.load([one("a", "2026-12-01T08:00:00Z"), one("b", "2026-12-02T08:00:00Z"), one("c", "2026-12-03T08:00:00Z")]);
    expect(waiting.take(told({ state: "sent" }))).toBe(false);
    waiting.take(told({ message: "b", state: "recalled" }));
    expect([...waiting.unsent]).toEqual([]);
    waiting.take(told({ message: "c", state: "not_sent" }));
    expect(waiting.list).toEqual([]);
    expect([...waiting.unsent]).toEqual(["c"]);
  });
  it("is read again where another device wrote it", () => {
    const waiting = new Waiting();
    waiting.load([one("a", "2026-12-01T08:00:00Z")]);
    expect(waiting.take(told({}))).toBe(false);
    expect(waiting.take(told({ wording: 2 }))).toBe(true);
    expect(waiting.take(told({ message: "new" }))).toBe(true);
  });
});

describe("a moment", () => {
  const now = Date.parse("2026-12-01T12:00:00Z");
  it("is to come", () => {
    expect(momentOf("2026-12-03T08:00", now)).toBe(new Date("2026-12-03T08:00").toISOString());
    expect(momentOf("2026-11-01T08:00", now)).toBeNull();
    expect(momentOf("", now)).toBeNull();
  });
});
