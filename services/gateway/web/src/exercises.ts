/** Exercises, as frames tell of them: which run, what waits, what an answer needs, and the time of a breath. */

import type { Happened } from "./features";

export type Text = Record<string, string>;
export interface Option { id: string; text: Text }
export interface Phase { phase: "in" | "hold" | "out" | "rest"; seconds: number }
export type Asked =
  | { kind: "text"; most: number }
  | { kind: "choice"; options: Option[]; least: number; most: number }
  | { kind: "list"; least: number; most: number }
  | { kind: "rating"; low: Text; high: Text }
  | { kind: "breathing"; phases: Phase[]; cycles: number };
export type Answer =
  | { kind: "text"; text: string } | { kind: "choice"; chosen: string[] } | { kind: "list"; items: string[] }
  | { kind: "rating"; rating: number } | { kind: "breathing"; cycles: number } | { kind: "skip" };
export interface Step { id: string; prompt: Text; hint?: Text | null; answer: Asked; optional: boolean }
export interface Definition {
  exercise: string; version: number; title: Text; about: Text; care?: Text | null;
  rating: { prompt: Text; low: Text; high: Text }; steps: Step[];
}
export interface Summary { exercise: string; version: number; own: boolean; title: Text; about: Text }
export type RunState = "running" | "paused" | "finished" | "stopped";
export interface Run {
  run: string; exercise: string; version: number; title: Text; state: RunState; step: string | null;
  started_by: string; started_at: string; changed_at: string;
}
export interface Answered { step: string; answer: Answer; n: number; at: string }
export interface Ratings { run: string; version: number; state: RunState; started_at: string; before: number; after: number | null }

interface Told { conversation: string; n: number; record: string; from: string; at: string; run: string }
export type ExerciseFrame = Told & (
  | { type: "exercise.started"; exercise: string; version: number }
  | { type: "exercise.answered"; step: string; next: string | null; answer: Answer }
  | { type: "exercise.paused" | "exercise.resumed" | "exercise.finished" | "exercise.stopped" });

/** A text in the person's language, else in English, else in whichever there is. */
export function inLanguage(text: Text, language: string): string {
  return text[language] ?? text[language.split("-")[0] ?? ""] ?? text["en"] ?? Object.values(text)[0] ?? "";
}

/** The step of that name; the two ratings are steps as well. */
export function stepOf(definition: Definition, id: string): Step | undefined {
  if (id !== "before" && id !== "after") return definition.steps.find((step) => step.id === id);
  const { prompt, low, high } = definition.rating;
  return { id, prompt, answer: { kind: "rating", low, high }, optional: false };
}

/** Whether an answer would be taken; the gateway judges all the same. */
export function fits(step: Step, answer: Answer): boolean {
  const asked = step.answer;
  if (answer.kind === "skip") return step.optional;
  if (asked.kind === "text" && answer.kind === "text") return answer.text.trim() !== "" && [...answer.text].length <= asked.most;
  if (asked.kind === "choice" && answer.kind === "choice") return answer.chosen.length >= asked.least && answer.chosen.length <= asked.most;
  if (asked.kind === "list" && answer.kind === "list") {
    return answer.items.length >= asked.least && answer.items.length <= asked.most && answer.items.every((item) => item.trim() !== "");
  }
  if (asked.kind === "rating" && answer.kind === "rating") return Number.isInteger(answer.rating) && answer.rating >= 0 && answer.rating <= 10;
  return asked.kind === "breathing" && answer.kind === "breathing" && answer.cycles >= 0 && answer.cycles <= asked.cycles;
}

/** An answer in words, for reading it again. */
export function said(step: Step | undefined, answer: Answer, language: string): string {
  switch (answer.kind) {
    case "text": return answer.text;
    case "list": return answer.items.join("\n");
    case "rating": return `${answer.rating} / 10`;
    case "breathing": return `${answer.cycles} ×`;
    case "skip": return "–";
    case "choice": {
      const options = step?.answer.kind === "choice" ? step.answer.options : [];
      return answer.chosen.map((id) => { const found = options.find((o) => o.id === id); return found ? inLanguage(found.text, language) : id; }).join(", ");
    }
  }
}

export interface Moment { cycle: number; phase: Phase["phase"]; left: number }

/** Where one is in timed breathing after so many seconds: cycles done, the phase, and its seconds left. Null: it is over. */
export function breath(phases: readonly Phase[], cycles: number, seconds: number): Moment | null {
  const whole = phases.reduce((sum, phase) => sum + phase.seconds, 0);
  const cycle = Math.floor(seconds / whole);
  if (cycle >= cycles) return null;
  let into = seconds - cycle * whole;
  for (const { phase, seconds: length } of phases) {
    if (into < length) return { cycle, phase, left: Math.ceil(length - into) };
    into -= length;
  }
  return { cycle, phase: phases[phases.length - 1]?.phase ?? "out", left: 0 };
}

export function isExercise(frame: { type: string }): frame is ExerciseFrame { return frame.type.startsWith("exercise."); }

/** Runs that are open, by the newest state that was told. */
export class Runs {
  #open = new Map<string, { state: RunState; n: number }>();

  get open(): string[] { return [...this.#open].filter(([, { state }]) => state === "running" || state === "paused").map(([run]) => run); }

  load(runs: readonly Run[]): void {
    for (const { run, state } of runs) if (!this.#open.has(run)) this.#open.set(run, { state, n: 0 });
  }

  take(frame: ExerciseFrame | Happened): void {
    if (!isExercise(frame)) return;
    const states: Record<string, RunState> = { paused: "paused", finished: "finished", stopped: "stopped" };
    const state = states[frame.type.slice("exercise.".length)] ?? "running";
    if ((this.#open.get(frame.run)?.n ?? 0) <= frame.n) this.#open.set(frame.run, { state, n: frame.n });
  }
}
