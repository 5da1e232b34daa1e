import { describe, expect, it } from "vitest";
import { Lexicon, acts, plain, type Sign, type SymbolFrame } from "../src/symbols";

const ME = "me", OTHER = "other";
let n = 0;
const frame = (type: string, from: string, members: object): SymbolFrame =>
  ({ type, conversation: "c", n: ++n, record: `r${n}`, from, at: `t${n}`, ...members }) as SymbolFrame;
const defined = (from = ME): SymbolFrame => frame("symbol.defined", from, { symbol: "s", revision: 1, emoji: "🐢", meaning: "a thought that comes by itself" });
const taken = (...frames: SymbolFrame[]): Sign => {
  const lexicon = new Lexicon();
  for (const one of frames) lexicon.take(one);
  return lexicon.signs[0] as Sign;
};

describe("the lexicon", () => {
  it("a proposed symbol is its proposer's until the other agrees", () => {
    expect(taken(defined())).toMatchObject({ state: "proposed", meaning: { from: ME } });
    const sign = taken(defined(), frame("symbol.agreed", OTHER, { symbol: "s", revision: 1 }));
    expect(sign).toMatchObject({ state: "agreed", meaning: { from: ME, agreed_at: `t${n}` } });
  });
  it("an agreed meaning stays in force while a newer one waits", () => {
    const agreed = [defined(), frame("symbol.agreed", OTHER, { symbol: "s", revision: 1 }), frame("symbol.revised", OTHER, { symbol: "s", revision: 2, meaning: "slow" })];
    expect(taken(...agreed)).toMatchObject({ state: "revised", meaning: { revision: 1 }, proposed: { revision: 2, from: OTHER, meaning: "slow" } });
    const sign = taken(...agreed, frame("symbol.agreed", ME, { symbol: "s", revision: 2 }));
    expect(sign).toMatchObject({ state: "agreed", meaning: { revision: 2, meaning: "slow" } });
    expect(sign.proposed).toBeUndefined();
  });
  it("a wording of one's own that nobody agreed to is replaced", () => {
    expect(taken(defined(), frame("symbol.revised", ME, { symbol: "s", revision: 2, meaning: "slow" })))
      .toMatchObject({ state: "proposed", meaning: { revision: 2, meaning: "slow" } });
  });
  it("a frame that comes twice, or that the list had already, changes nothing", () => {
    const frames = [defined(), frame("symbol.revised", ME, { symbol: "s", revision: 2, meaning: "slow" }), frame("symbol.agreed", OTHER, { symbol: "s", revision: 2 })];
    expect(taken(...frames, ...frames)).toEqual(taken(...frames));
  });
  it("what ended stays ended, whatever old record comes", () => {
    const agree = frame("symbol.agreed", OTHER, { symbol: "s", revision: 1 });
    expect(taken(defined(), agree, frame("symbol.retired", ME, { symbol: "s" }), agree).state).toBe("retired");
  });
  it("retired ones come last", () => {
    const lexicon = new Lexicon();
    lexicon.take(defined());
    lexicon.take(frame("symbol.retired", ME, { symbol: "s" }));
    lexicon.take(frame("symbol.defined", OTHER, { symbol: "s2", revision: 1, emoji: "🐢", meaning: "slow" }));
    expect(lexicon.signs.map((sign) => [sign.symbol, sign.state])).toEqual([["s2", "proposed"], ["s", "retired"]]);
  });
  it("knows in which messages a symbol was used", () => {
    const lexicon = new Lexicon();
    lexicon.take(defined());
    lexicon.take(frame("symbol.used", OTHER, { symbol: "s", message: "m", how: "message" }));
    expect(lexicon.usedIn("m").map((sign) => sign.emoji)).toEqual(["🐢"]);
    expect(lexicon.usedIn("other")).toEqual([]);
  });
  it("forgets what a message had and was answered with when it is taken back", () => {
    const lexicon = new Lexicon();
    lexicon.take(defined());
    lexicon.take(frame("symbol.used", OTHER, { symbol: "s", message: "m", how: "message" }));
    lexicon.take(frame("reaction.added", ME, { message: "m", emoji: "🐢" }));
    lexicon.forget("m");
    for (const type of ["symbol.used", "reaction.added", "reaction.removed"]) lexicon.take(frame(type, ME, { message: "m", deleted: true }));
    expect([lexicon.usedIn("m"), lexicon.reactions("m")]).toEqual([[], []]);
  });
});

it("offers to each what the platform lets them do", () => {
  const agree = frame("symbol.agreed", OTHER, { symbol: "s", revision: 1 });
  const table: [Sign, string[], string[]][] = [
    [taken(defined()), ["revise", "retire"], ["agree"]],
    [taken(defined(), agree), ["revise", "retire"], ["revise", "retire"]],
    [taken(defined(), agree, frame("symbol.revised", ME, { symbol: "s", revision: 2, meaning: "slow" })), ["revise", "retire"], ["agree", "retire"]],
    [taken(defined(), agree, frame("symbol.retired", OTHER, { symbol: "s" })), [], []],
  ];
  for (const [sign, mine, theirs] of table) expect([acts(sign, ME), acts(sign, OTHER)]).toEqual([mine, theirs]);
});

describe("reactions", () => {
  const shown = (lexicon: Lexicon): string[][] => lexicon.reactions("m").map(({ from, emoji }) => [from, emoji]);
  const frames = [
    frame("reaction.added", ME, { message: "m", emoji: "👍🏽" }), frame("reaction.added", OTHER, { message: "m", emoji: "👍" }),
    frame("reaction.added", ME, { message: "m", emoji: "❤️" }), frame("reaction.removed", ME, { message: "m", emoji: "👍" }),
  ];
  it("each person's each emoji counts once, whatever its skin tone", () => {
    const lexicon = new Lexicon();
    for (const one of frames.slice(0, 3)) lexicon.take(one);
    expect(shown(lexicon)).toEqual([[ME, "👍🏽"], [OTHER, "👍"], [ME, "❤️"]]);
    lexicon.take(frames[3] as SymbolFrame);
    expect(shown(lexicon)).toEqual([[OTHER, "👍"], [ME, "❤️"]]);
  });
  it("older records may come after newer ones, and again", () => {
    const lexicon = new Lexicon();
    for (const one of [...frames, ...frames].reverse()) lexicon.take(one);
    expect(shown(lexicon)).toEqual([[OTHER, "👍"], [ME, "❤️"]]);
  });
  it("tells emoji apart", () => {
    expect(plain("👩🏾‍⚕️")).toBe(plain("👩‍⚕"));
    expect(plain("👩‍⚕️")).not.toBe(plain("👨‍⚕️"));
  });
});
