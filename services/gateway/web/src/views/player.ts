/** Plays how a message was written: at the writer's pace or faster, forwards and back, with what was deleted. */

import { fill, h, text } from "../dom";
import type { Op } from "../protocol";
import { Replay } from "../replay";
import { S } from "../strings";

const SPEEDS = [1, 2, 5, 20];

export class Player {
  readonly element: HTMLElement;
  readonly #replay: Replay;
  readonly #page = h("p", { class: "page bubble", dir: "auto", "aria-label": S.writtenSoFar, role: "group" });
  readonly #play = h("button", { type: "button", class: "primary", click: () => this.toggle() });
  readonly #where: HTMLInputElement;
  readonly #next = h("button", { type: "button", click: () => this.#jump() }, S.nextDeletion);
  #speed = 1;
  #timer: number | undefined;

  constructor(ops: readonly Op[]) {
    this.#replay = new Replay(ops);
    this.#where = h("input", { type: "range", min: "0", max: String(ops.length), step: "1", "aria-label": S.place, input: () => this.#scrub() });
    const speed = h("select", { "aria-label": S.speed, change: () => { this.#speed = Number(speed.value); this.#again(); } },
      ...SPEEDS.map((times) => h("option", { value: String(times) }, `${times}×`)));
    this.element = h("div", { class: "player" }, this.#page, this.#where,
      h("div", { class: "actions" }, this.#play, this.#next, speed));
    this.#show();
  }

  /** How many operations have been played. */
  get at(): number { return this.#replay.at; }
  get playing(): boolean { return this.#timer !== undefined; }

  toggle(): void {
    if (this.playing) this.stop();
    else {
      if (this.#replay.ended) this.#replay.seek(0);
      this.#step();
    }
    this.#show();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #step(): void {
    const next = this.#replay.ops[this.#replay.at];
    if (!next) { this.stop(); this.#show(); return; }
    this.#timer = setTimeout(() => {
      this.#replay.seek(this.#replay.at + 1);
      this.#step();
      this.#show();
    }, next[0] / this.#speed) as unknown as number;
  }

  /** The pause that is under way is played at the new speed. */
  #again(): void {
    if (!this.playing) return;
    this.stop();
    this.#step();
  }

  #scrub(): void {
    this.stop();
    this.#replay.seek(Number(this.#where.value));
    this.#show();
  }

  #jump(): void {
    const next = this.#replay.nextDeletion();
    if (next === null) return;
    this.stop();
    this.#replay.seek(next);
    this.#show();
  }

  #show(): void {
    const { at, ops, times } = this.#replay;
    fill(this.#page, ...this.#replay.pieces().map((piece) => piece.gone ? h("del", {}, piece.text) : h("span", {}, piece.text)));
    this.#where.value = String(at);
    this.#where.setAttribute("aria-valuetext", S.played(at, ops.length, Math.round((times[at - 1] ?? 0) / 1_000)));
    text(this.#play, this.playing ? S.pause : S.play);
    this.#next.disabled = this.#replay.nextDeletion() === null;
  }
}
