import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LiveText } from "../src/livetext";
import { Refused, type ClientFrame, type Ok } from "../src/protocol";

const ok: Ok = { type: "ok", ref: "1" };
let told: ClientFrame[];
let now: number;
let refuse: string | null;
let live: LiveText;

beforeEach(() => {
  vi.useFakeTimers();
  [told, now, refuse] = [[], 0, null];
  live = new LiveText("c", {
    ask: (frame) => { told.push(frame); return refuse ? Promise.reject(new Refused(refuse)) : Promise.resolve(ok); },
    now: () => now,
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
