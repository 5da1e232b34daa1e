/** Constant-rate padding: while live text is on, one frame of one size a tick, whatever is typed or isn't. */

import { size } from "./drafts";
import type { ClientFrame, ServerFrame, Welcome } from "./protocol";

export interface Agreed { tick_ms: number; frame_bytes: number }

/** A stretch ends this long after the last key, at random in between. */
const LASTS_MS: readonly [number, number] = [300_000, 600_000];

/** The same frame in exactly so many bytes, by a member `pad`; a longer one as it is. */
export function padded(frame: ClientFrame, frameBytes: number): string {
  const plain = JSON.stringify(frame), room = frameBytes - size(plain);
  if (room < ',"pad":""'.length) return `${plain.slice(0, -1)}${" ".repeat(Math.max(0, room))}}`;
  return JSON.stringify({ ...frame, pad: "0".repeat(room - ',"pad":""'.length) });
}

const SILENT_MS = 10_000;

export class Obscured {
  #agreed: Agreed | null = null;
  /** Whose live text is on, by conversation. */
  #live = new Set<string>();
  #queue: ClientFrame[] = [];
  #timer: number | undefined;
  #until = 0;

  #heardAt = 0;

  /** `silent` is called where nothing has come for so long that the other side's stretch has ended, or the network is gone. */
  constructor(private readonly write: (data: string) => void, private readonly silent: () => void, private readonly now: () => number = () => performance.now()) {}

  /** The size to keep to while live text is told; null where nothing was agreed. */
  get frameBytes(): number | null { return this.#agreed?.frame_bytes ?? null; }

  welcomed(frame: Welcome): void {
    this.lost();
    this.#agreed = frame.obscure ?? null;
    for (const { id, live } of frame.conversations) for (const [who, { on }] of Object.entries(live)) if (on) this.#changed(id, who, true);
  }

  lost(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#queue = [];
    this.#live.clear();
    this.#agreed = null;
  }

  /** What came: others' keys keep a stretch going, as one's own do. */
  heard(frame: ServerFrame): void {
    this.#heardAt = this.now();
    if (frame.type === "live.changed") this.#changed(frame.conversation, frame.from, frame.on);
    else if (frame.type === "live.edit" || frame.type === "live.reset") this.#key();
  }

  send(frame: ClientFrame): void {
    if (frame.type === "live.edit" || frame.type === "live.reset") this.#key();
    if (this.#timer === undefined) { this.write(JSON.stringify(frame)); return; }
    const stops = frame.type === "consent.withdraw" || (frame.type === "live.toggle" && frame["on"] === false);
    if (!stops) { this.#queue.push(frame); return; }
    this.#queue = this.#queue.filter((one) => one.conversation !== frame.conversation || !/^live\.(edit|reset|clear)$/.test(one.type));
    this.#queue.unshift(frame); // it waits for nothing but its tick
  }

  #changed(conversation: string, who: string, on: boolean): void {
    const key = `${conversation} ${who}`;
    if (on) { this.#live.add(key); this.#key(); return; }
    this.#live.delete(key);
    if (!this.#live.size) this.#end();
  }

  #key(): void {
    if (!this.#agreed) return;
    this.#until = this.now() + LASTS_MS[0] + Math.random() * (LASTS_MS[1] - LASTS_MS[0]);
    if (this.#timer === undefined) this.#heardAt = this.now();
    this.#timer ??= setInterval(() => this.#tick(), this.#agreed.tick_ms) as unknown as number;
  }

  #tick(): void {
    if (!this.#agreed) return;
    if (this.now() >= this.#until) { this.#end(); return; }
    if (this.now() - this.#heardAt > SILENT_MS) { this.#heardAt = this.now(); this.silent(); }
    this.write(padded(this.#queue.shift() ?? { type: "live.pad" }, this.#agreed.frame_bytes));
  }

  #end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const frame of this.#queue.splice(0)) this.write(JSON.stringify(frame));
  }
}
