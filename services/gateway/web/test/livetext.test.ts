import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LiveText } from "../src/livetext";
import { apply } from "../src/drafts";
import { Refused, type ClientFrame, type Ok, type Op } from "../src/protocol";

const ok: Ok = { type: "ok", ref: "1" };
let told: ClientFrame[];
let now: number;
let refuse: string | null;
let live: LiveText;
let bytes: number | null;

beforeEach(() => {
  vi.useFakeTimers();
  [told, now, refuse, bytes] = [[], 0, null, null];
  live = new LiveText("c", {
    ask: (frame) => { told.push(frame); return refuse ? Promise.reject(new Refused(refuse)) : Promise.resolve(ok); },
    tell: (frame) => { told.push(frame); if (refuse) { const code = refuse; queueMicrotask(() => live.refused(code, {})); } },
    now: () => now, frameBytes: () => bytes,
  });
});
afterEach(() => { vi.useRealTimers(); });

it("tells nothing while it is off", async () => {
  live.typed("secret");
  await vi.advanceTimersByTimeAsync(1000);
  expect(told).toEqual([]);
});

it("collects what is typed within 100 ms, with its pauses", async () => {
  await live.turn("letters");
  live.typed("I");
  now = 80; live.typed("I w");
  await vi.advanceTimersByTimeAsync(100);
  expect(told[1]).toMatchObject({ type: "live.edit", rev: 1, ops: [[0, "i", 0, "I"], [80, "i", 1, " w"]], draft: live.draft });
});

it("lets no word leave at the level rhythm", async () => {
  await live.turn("rhythm");
  live.typed("secret");
  await vi.advanceTimersByTimeAsync(100);
  expect(JSON.stringify(told)).not.toContain("secret");
  expect(told[1]).toMatchObject({ ops: [[0, "i", 0, "••••••"]] });
});

it("begins again with the whole text when an edit is refused", async () => {
  await live.turn("letters");
  refuse = "bad_rev";
  live.typed("one");
  await vi.advanceTimersByTimeAsync(100);
  refuse = null;
  await vi.advanceTimersByTimeAsync(100);
  expect(told.at(-1)).toMatchObject({ type: "live.reset", text: "one" });
});

it("is silent while suspended and then shows the whole text", async () => {
  await live.turn("letters");
  live.pause(true);
  live.typed("kept back");
  await vi.advanceTimersByTimeAsync(500);
  expect(told).toHaveLength(1);
  live.pause(false);
  expect(told.at(-1)).toMatchObject({ type: "live.reset", text: "kept back" });
});

it("gives the next draft another id, and clears one that is taken back", async () => {
  await live.turn("letters");
  live.typed("never mind");
  live.flush();
  const draft = live.draft;
  live.cancel();
  expect(told.at(-1)).toMatchObject({ type: "live.clear", draft });
  expect(live.draft).not.toBe(draft);
});

it("tells no letter any more once rhythm was chosen, though the gateway hasn't answered", async () => {
  await live.turn("letters");
  void live.turn("rhythm");
  live.typed("secret");
  await vi.advanceTimersByTimeAsync(500);
  expect(JSON.stringify(told)).not.toContain("secret");
  expect(told.at(-1)).toMatchObject({ text: "••••••" });
});

it("follows the last of two quick choices", async () => {
  const first = live.turn("letters");
  await Promise.all([first, live.turn(null)]);
  expect(live.level).toBeNull();
});

it("is off, there too, where the gateway refuses a level", async () => {
  await live.turn("letters");
  refuse = "unavailable";
  await expect(live.turn("rhythm")).rejects.toMatchObject({ code: "unavailable" });
  expect(live.level).toBeNull();
  expect(told.at(-1)).toMatchObject({ type: "live.toggle", on: false });
});

it("shows nothing of what is too long, and the whole once it is short enough", async () => {
  await live.turn("letters");
  live.typed("😀".repeat(8_001));
  await vi.advanceTimersByTimeAsync(1000);
  expect(told).toHaveLength(1);
  live.typed("😀".repeat(8_000));
  await vi.advanceTimersByTimeAsync(100);
  expect(told).toHaveLength(2);
  expect(told[1]).toMatchObject({ type: "live.reset", text: "😀".repeat(8_000) });
});

it("doesn't ask again and again where no text would mend it", async () => {
  await live.turn("letters");
  refuse = "conflict";
  live.typed("one");
  await vi.advanceTimersByTimeAsync(2000);
  expect(told).toHaveLength(2);
});

it("tells nothing of a private breath but what is left of it", async () => {
  await live.turn("letters");
  live.typed("I");
  live.hold("breath");
  expect(told.at(-1)).toMatchObject({ ops: [[0, "i", 0, "I"]] }); // it was written before
  live.typed("I hate"); live.typed("I miss");
  await vi.advanceTimersByTimeAsync(5_000);
  expect(told).toHaveLength(2);
  live.release("breath");
  await vi.advanceTimersByTimeAsync(100);
  expect(JSON.stringify(told)).not.toContain("hate");
  expect(told.at(-1)).toMatchObject({ ops: [[0, "i", 1, " miss"]] });
});

it("keeps a paste back through a lost connection, until it is confirmed", async () => {
  await live.turn("letters");
  live.hold("paste");
  live.typed("pasted");
  live.ended();
  await live.turn("letters");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(JSON.stringify(told)).not.toContain("pasted");
  live.release("paste");
  await vi.advanceTimersByTimeAsync(100);
  expect(told.at(-1)).toMatchObject({ type: "live.edit", rev: 1, ops: [[0, "i", 0, "pasted"]] });
});

it("forgets the paste with the draft that it was in", async () => {
  await live.turn("letters");
  live.hold("paste");
  live.typed("pasted");
  live.next();
  live.typed("n");
  await vi.advanceTimersByTimeAsync(100);
  expect(told.at(-1)).toMatchObject({ ops: [[0, "i", 0, "n"]] });
});

it("tells in frames that keep to a size, by whole graphemes, and the same in the end", async () => {
  bytes = 1_024;
  const family = "👩‍👩‍👧", long = `${family} "\n é `.repeat(200);
  await live.turn("letters");
  live.typed(long);
  await vi.advanceTimersByTimeAsync(100);
  live.typed(`${long}.`);
  await vi.advanceTimersByTimeAsync(100);
  live.pause(true); live.pause(false); // the whole text anew
  for (const from of [told.slice(1), told.slice(told.findIndex((frame) => frame.type === "live.reset"))]) {
    let text = "";
    for (const frame of from) {
      expect(new TextEncoder().encode(JSON.stringify({ ...frame, conversation: crypto.randomUUID() })).length).toBeLessThanOrEqual(1_024);
      text = frame.type === "live.reset" ? String(frame["text"]) : apply(text, frame["ops"] as Op[]);
      expect(text.endsWith("\u200d")).toBe(false);
    }
    expect(text).toBe(`${long}.`);
  }
});
