/** Messages that aren't stored yet: sent again, with the same id, until the platform says that it has them. */

import { Refused, type ClientFrame, type Ok } from "./protocol";

export interface Waiting { message: string; text: string; in_reply_to?: string; tone?: string; problem?: string }
type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;
const RETRY_MS = 1_000;

export class Outbox {
  #waiting: Waiting[];
  #sending = false;
  readonly #key: string;

  constructor(
    private readonly conversation: string,
    owner: string,
    private readonly store: Store,
    private readonly ask: (frame: ClientFrame) => Promise<Ok>,
    private readonly onStored: (waiting: Waiting, ok: Ok) => void,
    private readonly onChange: () => void,
  ) {
    this.#key = `outbox:${owner}:${conversation}`; // another person's link may be opened in the same tab
    this.#waiting = JSON.parse(store.getItem(this.#key) ?? "[]") as Waiting[];
  }

  get waiting(): readonly Waiting[] { return this.#waiting; }

  add(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#changed();
    void this.flush();
  }

  /** A message came back as posted: it is stored, whoever was told. */
  stored(message: string): void {
    const before = this.#waiting.length;
    this.#waiting = this.#waiting.filter((w) => w.message !== message);
    if (this.#waiting.length !== before) this.#changed();
  }

  /** Send what waits, in order, one after the other; stops where the connection is lost. */
  async flush(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (let next = this.#next(); next; next = this.#next()) {
        const { problem: _, ...content } = next;
        try {
          const ok = await this.ask({ type: "message.send", conversation: this.conversation, ...content });
          this.stored(next.message);
          this.onStored(next, ok);
        } catch (error) {
          if (!(error instanceof Refused) || error.code === "lost") return;
          if (error.code === "unavailable" || error.code === "rate_limited") {
            await new Promise((done) => setTimeout(done, Number(error.details["retry_ms"] ?? RETRY_MS)));
          } else {
            next.problem = error.code;
            this.#changed();
          }
        }
      }
    } finally {
      this.#sending = false;
    }
  }

  #next(): Waiting | undefined { return this.#waiting.find((w) => w.problem === undefined); }

  #changed(): void {
    if (this.#waiting.length) this.store.setItem(this.#key, JSON.stringify(this.#waiting));
    else this.store.removeItem(this.#key);
    this.onChange();
  }
}
