import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { size } from "../src/drafts";
import { Obscured, padded } from "../src/obscured";
import type { ServerFrame, Welcome } from "../src/protocol";

const AGREED = { tick_ms: 100, frame_bytes: 1_024 };
let written: string[];
let silent: number;
let obscured: Obscured;

function welcome(obscure: typeof AGREED | null): Welcome {
  return { type: "welcome", participant: { id: "me", role: "client" }, expires_at: "", heartbeat_s: 25, more: false, conversations: [], obscure };
}
function changed(on: boolean): ServerFrame {
  return { type: "live.changed", conversation: "c", from: "other", on, level: "letters" };
}

beforeEach(() => {
  vi.useFakeTimers();
  [written, silent] = [[], 0];
  obscured = new Obscured((data) => written.push(data), () => { silent += 1; }, () => Date.now());
});
afterEach(() => { vi.useRealTimers(); });

it("fills any frame up to one size, and says the same", () => {
  for (let length = 0; length < 1_100; length += 1) {
    const frame = { type: "x", text: "é".repeat(length % 7) + "a".repeat(length) };
    const data = padded(frame, 1_024);
    expect(size(data)).toBe(Math.max(1_024, size(JSON.stringify(frame))));
    expect(JSON.parse(data)).toMatchObject(frame);
  }
});

it("sends one frame a tick while live text is on, whatever there is to say", () => {
  obscured.welcomed(welcome(AGREED));
  obscured.heard(changed(true));
  obscured.send({ type: "typing", conversation: "c", on: true });
  obscured.send({ type: "message.send", conversation: "c" });
  expect(written).toEqual([]);
  for (let tick = 1; tick <= 5; tick += 1) { vi.advanceTimersByTime(100); expect(written).toHaveLength(tick); }
  expect(new Set(written.map(size))).toEqual(new Set([1_024]));
  expect(written.map((data) => (JSON.parse(data) as { type: string }).type)).toEqual(["typing", "message.send", "live.pad", "live.pad", "live.pad"]);
});

it("lets what stops go first, and nothing of what it stops", () => {
  obscured.welcomed(welcome(AGREED));
  obscured.heard(changed(true));
  obscured.send({ type: "live.edit", conversation: "c" });
  obscured.send({ type: "live.edit", conversation: "d" });
  obscured.send({ type: "consent.withdraw", conversation: "c" });
  vi.advanceTimersByTime(300);
  expect(written.map((data) => (JSON.parse(data) as { type: string; conversation?: string }))).toMatchObject(
    [{ type: "consent.withdraw" }, { type: "live.edit", conversation: "d" }, { type: "live.pad" }]);
});

it("ends with live text, and what waits goes out as it is", () => {
  obscured.welcomed(welcome(AGREED));
  obscured.heard(changed(true));
  obscured.send({ type: "typing", conversation: "c", on: false });
  obscured.heard(changed(false));
  obscured.send({ type: "history", conversation: "c" });
  vi.advanceTimersByTime(1_000);
  expect(written).toEqual(['{"type":"typing","conversation":"c","on":false}', '{"type":"history","conversation":"c"}']);
});

it("ends some minutes after the last key, at random", () => {
  const lasted = new Set<number>();
  for (let round = 0; round < 5; round += 1) {
    obscured.welcomed(welcome(AGREED));
    obscured.heard(changed(true));
    const before = written.length;
    for (let s = 0; s < 660; s += 1) { vi.advanceTimersByTime(1_000); obscured.heard({ type: "live.pad" }); }
    const seconds = (written.length - before) / 10;
    expect(seconds).toBeGreaterThanOrEqual(299);
    expect(seconds).toBeLessThanOrEqual(601);
    lasted.add(Math.round(seconds));
  }
  expect(lasted.size).toBeGreaterThan(1);
});

it("sends as it is where nothing was agreed", () => {
  obscured.welcomed(welcome(null));
  obscured.heard(changed(true));
  obscured.send({ type: "live.edit", conversation: "c" });
  expect(written).toEqual(['{"type":"live.edit","conversation":"c"}']);
});

it("notices that the network is gone", () => {
  obscured.welcomed(welcome(AGREED));
  obscured.heard(changed(true));
  vi.advanceTimersByTime(9_900);
  expect(silent).toBe(0);
  vi.advanceTimersByTime(300);
  expect(silent).toBeGreaterThan(0);
});
