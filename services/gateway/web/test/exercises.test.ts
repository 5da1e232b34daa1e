import { describe, expect, it } from "vitest";
import { Runs, breath, fits, inLanguage, said, stepOf, type Answer, type Definition, type ExerciseFrame, type Step } from "../src/exercises";

const T = { en: "x" };
const DEFINITION: Definition = {
  exercise: "small", version: 1, title: T, about: T, rating: { prompt: { en: "How much?" }, low: T, high: T },
  steps: [{ id: "one", prompt: T, answer: { kind: "text", most: 5 }, optional: true }],
};
const step = (answer: Step["answer"], optional = false): Step => ({ id: "s", prompt: T, answer, optional });
const OPTIONS = [{ id: "a", text: { en: "A", fr: "Â" } }, { id: "b", text: { en: "B" } }];

describe("fits", () => {
  const cases: [Step, Answer, boolean][] = [
    [step({ kind: "text", most: 3 }), { kind: "text", text: "👩‍👧" }, true],
    [step({ kind: "text", most: 3 }), { kind: "text", text: "abcd" }, false],
    [step({ kind: "text", most: 3 }), { kind: "text", text: "  " }, false],
    [step({ kind: "list", least: 2, most: 3 }), { kind: "list", items: ["a"] }, false],
    [step({ kind: "list", least: 2, most: 3 }), { kind: "list", items: ["a", "b"] }, true],
    [step({ kind: "list", least: 1, most: 3 }), { kind: "list", items: ["a", " "] }, false],
    [step({ kind: "choice", options: OPTIONS, least: 1, most: 1 }), { kind: "choice", chosen: [] }, false],
    [step({ kind: "choice", options: OPTIONS, least: 1, most: 1 }), { kind: "choice", chosen: ["a"] }, true],
    [step({ kind: "choice", options: OPTIONS, least: 1, most: 1 }), { kind: "choice", chosen: ["a", "b"] }, false],
    [step({ kind: "rating", low: T, high: T }), { kind: "rating", rating: 10 }, true],
    [step({ kind: "rating", low: T, high: T }), { kind: "rating", rating: 11 }, false],
    [step({ kind: "breathing", phases: [], cycles: 4 }), { kind: "breathing", cycles: 5 }, false],
    [step({ kind: "breathing", phases: [], cycles: 4 }), { kind: "breathing", cycles: 0 }, true],
    [step({ kind: "text", most: 3 }), { kind: "rating", rating: 1 }, false],
    [step({ kind: "text", most: 3 }), { kind: "skip" }, false],
    [step({ kind: "text", most: 3 }, true), { kind: "skip" }, true],
  ];
  it.each(cases)("%o takes %o: %s", (asked, answer, expected) => expect(fits(asked, answer)).toBe(expected));
});

describe("breath", () => {
  const phases = [{ phase: "in", seconds: 4 }, { phase: "out", seconds: 6 }] as const;
  it("goes through the phases of each cycle", () => {
    expect(breath(phases, 2, 0)).toEqual({ cycle: 0, phase: "in", left: 4 });
    expect(breath(phases, 2, 3.9)).toEqual({ cycle: 0, phase: "in", left: 1 });
    expect(breath(phases, 2, 4)).toEqual({ cycle: 0, phase: "out", left: 6 });
    expect(breath(phases, 2, 10)).toEqual({ cycle: 1, phase: "in", left: 4 });
    expect(breath(phases, 2, 19.9)?.phase).toBe("out");
  });
  it("ends after the last cycle", () => { expect(breath(phases, 2, 20)).toBeNull(); });
});

describe("what is shown", () => {
  it("knows the ratings as steps", () => {
    expect(stepOf(DEFINITION, "before")?.prompt).toEqual({ en: "How much?" });
    expect(stepOf(DEFINITION, "after")?.answer.kind).toBe("rating");
    expect(stepOf(DEFINITION, "one")?.optional).toBe(true);
    expect(stepOf(DEFINITION, "two")).toBeUndefined();
  });
  it("speaks the person's language, or English, or what there is", () => {
    expect(inLanguage({ en: "a", fr: "b" }, "fr-CA")).toBe("b");
    expect(inLanguage({ en: "a", fr: "b" }, "de")).toBe("a");
    expect(inLanguage({ it: "c" }, "de")).toBe("c");
  });
  it("names what was chosen", () => {
    expect(said(step({ kind: "choice", options: OPTIONS, least: 1, most: 2 }), { kind: "choice", chosen: ["a", "b"] }, "fr")).toBe("Â, B");
  });
});

describe("runs", () => {
  const told = (type: string, n: number): ExerciseFrame =>
    ({ type, n, run: "r", record: "x", conversation: "c", from: "p", at: "", exercise: "e", version: 1 } as unknown as ExerciseFrame);
  it("are open until they end", () => {
    const runs = new Runs();
    for (const [index, type] of ["exercise.started", "exercise.answered", "exercise.paused", "exercise.resumed"].entries()) {
      runs.take(told(type, index + 1));
      expect(runs.open).toEqual(["r"]);
    }
    runs.take(told("exercise.stopped", 5));
    expect(runs.open).toEqual([]);
    runs.take(told("exercise.answered", 2)); // late
    expect(runs.open).toEqual([]);
  });
  it("that were told ended stay so, whatever a list read before says", () => {
    const runs = new Runs();
    runs.take(told("exercise.finished", 5));
    runs.load([{ run: "r", exercise: "e", version: 1, title: T, state: "running", step: null, started_by: "p", started_at: "", changed_at: "" }]);
    expect(runs.open).toEqual([]);
  });
});
