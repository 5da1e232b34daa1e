import { describe, expect, it } from "vitest";
import { Checks, turn, type AttuneFrame, type Check } from "../src/attunement";

const AUTHOR = "author", OTHER = "other";
let n = 0;
const frame = (type: string, from: string, members: object): AttuneFrame =>
  ({ type, conversation: "c", n: ++n, record: `r${n}`, from, at: `t${n}`, check: "k", ...members }) as AttuneFrame;
const asked = (): AttuneFrame => frame("attune.asked", AUTHOR, { message: "m" });
const reflected = (round = 1): AttuneFrame => frame("attune.reflected", OTHER, { round, text: `heard ${round}` });
const answered = (heard: boolean, round = 1): AttuneFrame => frame("attune.answered", AUTHOR, { round, heard });
const known = (): { author: string; seq: number } => ({ author: AUTHOR, seq: 1 });
const taken = (...frames: AttuneFrame[]): Checks => {
  const checks = new Checks();
  for (const one of frames) checks.take(one, known);
  return checks;
};
const the = (checks: Checks): Check => checks.get("k") as Check;

describe("a check", () => {
  it("goes back and forth until it was heard", () => {
    const table: [AttuneFrame[], string, number, string, string][] = [
      [[asked()], "asked", 1, "wait", "reflect"],
      [[asked(), reflected()], "reflected", 1, "answer", "wait"],
      [[asked(), reflected(), answered(false)], "asked", 2, "wait", "reflect"],
      [[asked(), reflected(), answered(false), reflected(2)], "reflected", 2, "answer", "wait"],
      [[asked(), reflected(), answered(false), reflected(2), answered(true, 2)], "heard", 2, "over", "over"],
    ];
    for (const [frames, state, round, authors, others] of table) {
      const check = the(taken(...frames));
      expect([check.state, check.round, turn(check, AUTHOR), turn(check, OTHER)]).toEqual([state, round, authors, others]);
    }
  });
  it("isn't changed by a frame that comes twice", () => {
    const frames = [asked(), reflected(), answered(false), reflected(2), answered(true, 2)];
    expect(the(taken(...frames, ...frames))).toEqual(the(taken(...frames)));
    expect(the(taken(...frames)).said.map((said) => said.heard)).toEqual([undefined, false, undefined, true]);
  });
  it("is open until it was heard, or its message is gone", () => {
    const checks = taken(asked(), reflected());
    expect(checks.of("m")?.check).toBe("k");
    checks.takenBack("m");
    expect([checks.open, the(checks).state, turn(the(checks), AUTHOR)]).toEqual([[], "taken_back", "over"]);
    expect(taken(asked(), reflected(), answered(true)).open).toEqual([]);
  });
  it("of a message that isn't known here is left to the list", () => {
    const checks = new Checks();
    checks.take(asked(), () => undefined);
    expect(checks.open).toEqual([]);
  });
});
