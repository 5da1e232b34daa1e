/** How the two share the conversation: the figures, and how a share is told. */

export const INTERVENTIONS = ["open_question", "closed_question", "socratic_question", "simple_reflection", "complex_reflection", "affirmation",
  "psychoeducation", "information", "advice", "self_disclosure", "exercise", "check_in", "other"] as const;
export type Intervention = (typeof INTERVENTIONS)[number];

export interface Side {
  messages: number; words: number; share: number | null; turns: number; longest_run: number; median_reply_s: number | null;
  interventions: Partial<Record<Intervention, number>>;
}
export interface Ratios { reflections_to_questions: number | null; open_to_all_questions: number | null; complex_to_all_reflections: number | null }
export interface Figures { participants: Record<string, Side>; ratios: Ratios }
export interface SessionFigures extends Figures { session: string; started_at: string; ended_at: string | null }
export interface Prompt { id: string; theme: string; text: string }

export type PacingFrame =
  | ({ type: "pacing.updated"; conversation: string; running: SessionFigures | null } & Figures)
  | { type: "pacing.offer"; conversation: string; share: number; version: number; prompts: Prompt[] }
  | { type: "message.marked"; conversation: string; n: number; record: string; from: string; at: string; message: string; intervention: Intervention };

/** MITI 4.2: from where on a ratio counts as fair, and as good. A reference, not a verdict. */
export const BANDS: Partial<Record<keyof Ratios, readonly [number, number]>> = {
  reflections_to_questions: [1, 2], complex_to_all_reflections: [0.4, 0.5],
};

/** Whole percents that add up to 100; half each while nobody has said a word. */
export function percents(figures: Figures, me: string): [mine: number, theirs: number] {
  const mine = Math.round((figures.participants[me]?.share ?? 0.5) * 100);
  return [mine, 100 - mine];
}

/** A time as one says it: seconds below a minute and a half, minutes below one and a half hours, hours. */
export function span(seconds: number, units: readonly [s: string, min: string, h: string]): string {
  if (seconds < 90) return `${Math.round(seconds)} ${units[0]}`;
  return seconds < 5_400 ? `${Math.round(seconds / 60)} ${units[1]}` : `${Math.round(seconds / 3_600)} ${units[2]}`;
}
