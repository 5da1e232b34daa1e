/** The websocket: hello, requests and their answers, and coming back by itself. */

import { Obscured } from "./obscured";
import { Refused, type ClientFrame, type Ok, type ServerFrame, type Welcome } from "./protocol";

export type Status =
  | { name: "connecting" } | { name: "connected" }
  | { name: "waiting"; until: number } | { name: "ended"; code: number };

export interface Socket {
  send(data: string): void;
  close(): void;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
}

export interface Options {
  open: () => Socket;
  token: string;
  device: string;
  /** Where to go on: asked for at each hello. */
  resume: () => { conversation: string; after_n: number }[];
  onWelcome: (frame: Welcome) => void;
  onFrame: (frame: ServerFrame) => void;
  onStatus: (status: Status) => void;
  random?: () => number;
}

const BASE_MS = 500;
const CAP_MS = 30_000;
const NEVER = new Set([4400, 4401, 4409, 4410]);
/** The gateway answers within 5 s, if only by `unavailable`: after this the network is gone, though nobody said so. */
const ANSWER_MS = 10_000;
const ABNORMAL = 1006;

interface Pending { resolve: (ok: Ok) => void; reject: (refused: Refused) => void; timer: number }

export class Connection {
  #socket: Socket | null = null;
  #pending = new Map<string, Pending>();
  #refs = 0;
  #attempt = 0;
  #retryMs: number | null = null;
  #timer: number | undefined;
  #welcomed = false;
  readonly #obscured = new Obscured((data) => this.#socket?.send(data), () => void this.ask({ type: "live.pad" }).catch(() => undefined));

  constructor(private readonly options: Options) {}

  /** The size that a frame of live text is to keep to; null where any will do. */
  get frameBytes(): number | null { return this.#obscured.frameBytes; }

  get connected(): boolean { return this.#welcomed; }

  open(): void {
    this.options.onStatus({ name: "connecting" });
    const socket = this.options.open();
    this.#socket = socket;
    socket.onopen = () => {
      const { token, device } = this.options;
      socket.send(JSON.stringify({ type: "hello", token, device, obscure: true, resume: this.options.resume() }));
    };
    socket.onmessage = (event) => {
      if (socket === this.#socket && typeof event.data === "string") this.#take(JSON.parse(event.data) as ServerFrame);
    };
    socket.onclose = (event) => { if (socket === this.#socket) this.#closed(event.code); };
  }

  /** Reconnect now, for example when the network is said to be back. */
  hurry(): void {
    if (this.#timer !== undefined) { clearTimeout(this.#timer); this.#timer = undefined; this.open(); }
  }

  close(): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    this.#welcomed = false;
    this.#obscured.lost();
    this.#giveUp();
    socket?.close();
  }

  /** Send without expecting an answer; false: there is no connection. */
  send(frame: ClientFrame): boolean {
    if (!this.#welcomed || !this.#socket) return false;
    this.#obscured.send(frame);
    return true;
  }

  /** Send and await the `ok`. Rejects with `Refused`: an error's code, or "lost". */
  ask(frame: ClientFrame): Promise<Ok> {
    return new Promise((resolve, reject) => {
      this.#refs += 1;
      const ref = String(this.#refs);
      if (!this.send({ ...frame, ref })) { reject(new Refused("lost")); return; }
      const timer = setTimeout(() => this.#abandon(), ANSWER_MS) as unknown as number;
      this.#pending.set(ref, { resolve, reject, timer });
    });
  }

  /** Don't wait for the closing handshake of a connection that answers nothing. */
  #abandon(): void {
    const socket = this.#socket;
    this.#closed(ABNORMAL);
    socket?.close();
  }

  #answer(ref: string): Pending | undefined {
    const pending = this.#pending.get(ref);
    this.#pending.delete(ref);
    if (pending) clearTimeout(pending.timer);
    return pending;
  }

  #giveUp(): void {
    for (const ref of [...this.#pending.keys()]) this.#answer(ref)?.reject(new Refused("lost"));
  }

  #take(frame: ServerFrame): void {
    this.#obscured.heard(frame);
    if (frame.type === "welcome") {
      this.#obscured.welcomed(frame);
      this.#welcomed = true;
      this.#attempt = 0;
      this.options.onWelcome(frame);
      this.options.onStatus({ name: "connected" });
    } else if (frame.type === "reconnect") {
      this.#retryMs = frame.retry_ms;
    } else if (frame.type === "ok") {
      this.#answer(frame.ref)?.resolve(frame);
    } else if (frame.type === "error" && frame.ref !== undefined) {
      this.#answer(frame.ref)?.reject(new Refused(frame.code, frame.details ?? {}));
    } else if (frame.type !== "live.pad") {
      this.options.onFrame(frame);
    }
  }

  #closed(code: number): void {
    this.#socket = null;
    this.#welcomed = false;
    this.#obscured.lost();
    this.#giveUp();
    if (NEVER.has(code)) { this.options.onStatus({ name: "ended", code }); return; }
    const random = this.options.random ?? Math.random;
    const wait = this.#retryMs ?? random() * Math.min(CAP_MS, BASE_MS * 2 ** this.#attempt);
    this.#retryMs = null;
    this.#attempt += 1;
    this.options.onStatus({ name: "waiting", until: Date.now() + wait });
    this.#timer = setTimeout(() => { this.#timer = undefined; this.open(); }, wait) as unknown as number;
  }
}
