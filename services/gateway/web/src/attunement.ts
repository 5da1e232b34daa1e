/** Checks of whether one was heard as one meant it, as frames tell of them. */

export interface Said { round: number; from: string; at: string; text?: string; heard?: boolean }
export type CheckState = "asked" | "reflected" | "heard" | "taken_back";
export interface Check {
  check: string; n: number; message: string; seq: number; author: string; from: string; at: string;
  session: string | null; state: CheckState; round: number; said: Said[]; earlier: number;
}
export interface CheckFigures { session: string | null; checks: number; heard: number; open: number; heard_after: { rounds: number; checks: number }[] }

interface Happened { conversation: string; n: number; record: string; from: string; at: string }
export type AttuneFrame = Happened & (
  | { type: "attune.asked"; check: string; message: string }
  | { type: "attune.reflected"; check: string; round: number; text: string }
  | { type: "attune.answered"; check: string; round: number; heard: boolean; text?: string });

/** What somebody is to do next: say back what they heard, answer, wait for the other, or nothing more. */
export type Turn = "reflect" | "answer" | "wait" | "over";

export function turn(check: Check, me: string): Turn {
  if (check.state === "asked") return check.author === me ? "wait" : "reflect";
  if (check.state === "reflected") return check.author === me ? "answer" : "wait";
  return "over";
}

export class Checks {
  #checks = new Map<string, Check>();

  /** The open ones, as they were asked. */
  get open(): Check[] { return [...this.#checks.values()].filter((c) => c.state === "asked" || c.state === "reflected").sort((a, b) => a.n - b.n); }
  of(message: string): Check | undefined { return this.open.find((check) => check.message === message); }
  get(check: string): Check | undefined { return this.#checks.get(check); }

  load(checks: readonly Check[]): void {
    for (const check of checks) this.#checks.set(check.check, check);
  }

  /** `author` and `seq` are those of the message that was asked of. */
  take(frame: AttuneFrame, of: (message: string) => { author: string; seq: number } | undefined): void {
    if (frame.type === "attune.asked") {
      const message = of(frame.message);
      if (message && !this.#checks.has(frame.check)) this.#checks.set(frame.check, { check: frame.check, n: frame.n, message: frame.message,
        ...message, from: frame.from, at: frame.at, session: null, state: "asked", round: 1, said: [], earlier: 0 });
      return;
    }
    const check = this.#checks.get(frame.check);
    if (!check || check.said.some((said) => said.round === frame.round && (said.heard === undefined) === (frame.type === "attune.reflected"))) return;
    const said: Said = { round: frame.round, from: frame.from, at: frame.at };
    if (frame.text !== undefined) said.text = frame.text;
    if (frame.type === "attune.answered") said.heard = frame.heard;
    check.said.push(said);
    check.state = frame.type === "attune.reflected" ? "reflected" : frame.heard ? "heard" : "asked";
    check.round = frame.type === "attune.answered" && !frame.heard ? frame.round + 1 : frame.round;
  }

  /** A message was taken back: what was open about it is over. */
  takenBack(message: string): void {
    const check = this.of(message);
    if (check) check.state = "taken_back";
  }
}
