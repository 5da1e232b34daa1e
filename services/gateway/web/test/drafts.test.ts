import { describe, expect, it } from "vitest";
import { BULLET, apply, difference, sendable, shown } from "../src/drafts";

const TEXTS = ["", "I wanted", "I want", "naïve", "nai\u0308ve", "👩‍👩‍👧 hi", "👩‍👧 hi", "🏳️‍🌈🇩🇪", "שלום עולם", "a\nb", "aaaa", "aa"];

describe("difference", () => {
  it("turns any text into any other", () => {
    for (const before of TEXTS) for (const after of TEXTS) expect(apply(before, difference(before, after, 0))).toBe(after);
  });
  it("counts code points, not UTF-16 units", () => {
    expect(difference("👩‍👧 hi", "👩‍👧 ho", 70)).toEqual([[70, "d", 5, 1], [0, "i", 5, "o"]]);
  });
  it("tells nothing where nothing changed", () => {
    expect(difference("same", "same", 10)).toEqual([]);
  });
  it("keeps the pause within the protocol's bounds", () => {
    expect(difference("", "a", 90_000)[0]?.[0]).toBe(60_000);
    expect(difference("", "a", -5)[0]?.[0]).toBe(0);
  });
});

describe("shown", () => {
  it("lets no word leave the device at the level rhythm", () => {
    expect(shown("je t'aime 👩‍👧", "rhythm")).toBe(BULLET.repeat(13));
    expect(shown("je t'aime", "letters")).toBe("je t'aime");
  });
});

it("sends no lone surrogate and no NUL", () => {
  expect(sendable("a\ud83db\0c😀")).toBe("abc😀");
});
