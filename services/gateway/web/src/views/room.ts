/** One conversation on the screen: its head, its messages, and where one writes. */

import type { Connection } from "../connection";
import type { Conversation } from "../conversation";
import { h, text } from "../dom";
import { LiveText } from "../livetext";
import { Outbox } from "../outbox";
import { Records, type PageFeature } from "../features";
import { Refused, type About, type Role } from "../protocol";
import { S } from "../strings";
import { AgreementsView } from "./agreements";
import { AppointmentsView } from "./appointments";
import { Composer } from "./composer";
import { Compositions } from "./compositions";
import { AttunementView } from "./attunement";
import { beneath } from "./beneath";
import { Consents } from "./consents";
import { ExercisesView } from "./exercises";
import { LaterView } from "./later";
import { LeavingView } from "./leaving";
import { Log } from "./log";
import { foldable } from "./menu";
import { openNotes } from "./notes";
import { SafetyView } from "./safety";
import { SafetyPlanView } from "./safetyplan";
import { SuitabilityView } from "./suitability";
import { PacingView } from "./pacing";
import { SymbolsView } from "./symbols";

const PAGE = 50;

export class Room {
  readonly element: HTMLElement;
  readonly #live: LiveText;
  readonly #outbox: Outbox;
  readonly #log: Log;
  readonly #composer: Composer;
  readonly #consents: Consents;
  readonly #presence = h("span", { class: "presence" });
  readonly #session = h("span", { class: "session", role: "status" });
  readonly #sessionButton: HTMLButtonElement | null;
  readonly #features: readonly PageFeature[];
  readonly #records: Records;
  #more = true;
  #loaded = false;
  #asked = false;

  constructor(readonly conversation: Conversation, private readonly connection: Connection, role: Role, leave: () => void) {
    const ask = connection.ask.bind(connection);
    this.#live = new LiveText(conversation.id, {
      ask, now: () => performance.now(), frameBytes: () => connection.frameBytes,
      tell: (frame) => {
        if (connection.frameBytes !== null) { connection.send(frame); return; }
        ask(frame).catch((error: unknown) => { if (error instanceof Refused) this.#live.refused(error.code, error.details); });
      },
    });
    this.#outbox = new Outbox(conversation.id, conversation.me, sessionStorage, ask, (waiting, ok) => {
      conversation.keep({ seq: ok.seq ?? 0, n: ok.n ?? 0, message: waiting.message, from: conversation.me, text: waiting.text, at: ok.at ?? "",
        ...(waiting.tone ? { tone: waiting.tone } : {}) });
      conversation.lastN = Math.max(conversation.lastN, ok.n ?? 0);
      this.update();
    }, () => this.update());
    const compositions = new Compositions(conversation, ask, role === "therapist");
    const safety = new SafetyView(conversation, ask, role);
    const leaving = new LeavingView(conversation, ask, role);
    this.#features = [
      new PacingView(conversation, ask, role === "therapist", (body) => this.#composer.use(body)),
      new SymbolsView(conversation, ask), new AttunementView(conversation, ask),
      new ExercisesView(conversation, ask, role), new AgreementsView(conversation, ask),
      new AppointmentsView(conversation, ask, role, (purpose) => this.#consents.offer(purpose)), new LaterView(conversation, ask),
      new SafetyPlanView(conversation, ask), new SuitabilityView(conversation, ask, role), leaving, safety,
    ];
    this.#records = new Records(conversation.id, ask, (record) => { for (const feature of this.#features) feature.recall(record); });
    this.#log = new Log(conversation, () => void this.#earlier(), (draft) => void compositions.open(draft), (message) => beneath(this.#features, message));
    this.#composer = new Composer(conversation, this.#live,
      (message, body, tone) => this.#outbox.add({ message, text: body, ...(tone ? { tone } : {}) }), (frame) => void connection.send(frame));
    this.#consents = new Consents(conversation, ask, compositions);
    this.#sessionButton = role === "therapist" ? h("button", { type: "button", click: () => void this.#startOrEnd() }) : null;
    const menu = foldable([this.#sessionButton, ...this.#features.flatMap((feature) => feature.first ?? [])], [
      role === "therapist" && h("button", { type: "button", click: () => openNotes(conversation, ask) }, S.notes),
      ...this.#features.flatMap((feature) => feature.buttons),
      h("button", { type: "button", click: () => this.#consents.open() }, S.consents),
      h("button", { type: "button", class: "leave", click: leave }, S.leave)]);
    this.element = h("div", { class: "room" },
      h("header", {}, h("div", { class: "who" }, h("h1", {}, conversation.other?.display_name ?? S.title), this.#presence, this.#session), menu),
      ...this.#features.map((feature) => feature.bar ?? null).filter((bar) => bar !== null), this.#log.element, leaving.banner, this.#composer.element);
    document.addEventListener("visibilitychange", () => this.#readMark());
  }

  /** A welcome, whether or not this room is in sight: send what waits. */
  welcomed(): void {
    this.#live.ended();
    this.update();
    void this.#outbox.flush();
  }

  /** In sight, and connected: load what is missing, and offer the first consent once. */
  async arrived(): Promise<void> {
    this.update();
    for (const feature of this.#features) void feature.arrived().catch(() => undefined); // offline: it is asked again on the next arrival
    if (!this.#loaded) {
      await this.#newest();
      this.update();
      this.#composer.field.focus({ preventScroll: true }); // a reconnect leaves the focus where it is
    }
    if (!this.#asked && !this.conversation.consent("informed_consent")) {
      this.#asked = true;
      await this.#consents.offer("informed_consent");
      this.#composer.field.focus();
    }
  }

  lost(): void {
    this.#live.ended();
    this.conversation.typing.clear();
    this.conversation.drafts.clear();
    this.update();
  }

  /** A frame without a `ref` was refused. */
  refused(type: string, code: string, details: Record<string, unknown>): void {
    if (type.startsWith("live.")) this.#live.refused(code, details);
  }

  take(frame: About): void {
    this.conversation.take(frame);
    for (const feature of this.#features) feature.take(frame);
    if (frame.type === "message.posted") this.#outbox.stored(frame.message);
    if (frame.type === "resume.reset") this.#records.forget();
    if (frame.type === "resume.reset") void this.#newest().then(() => this.update());
    if (frame.type === "live.changed" && frame.from === this.conversation.me) {
      if (frame.reason === "suspended") this.#live.pause(true);
      else if (frame.on) this.#live.pause(false);
      else this.#live.ended();
    }
    for (const draft of this.conversation.lost) {
      this.conversation.lost.delete(draft);
      this.connection.send({ type: "live.resync", conversation: this.conversation.id, draft });
    }
    this.update();
  }

  update(): void {
    const { other, session } = this.conversation;
    text(this.#presence, other?.online ? S.here : S.away);
    this.#presence.classList.toggle("online", other?.online ?? false);
    text(this.#session, session ? S.running : "");
    if (this.#sessionButton) text(this.#sessionButton, session ? S.end : S.start);
    this.#log.update(this.#outbox.waiting, this.#more && this.conversation.messages.size > 0);
    this.#composer.update();
    this.#consents.update();
    this.#readMark();
  }

  #readMark(): void {
    const { me, reads, lastSeq, id, messages } = this.conversation;
    if (document.visibilityState !== "visible" || !this.element.isConnected || !messages.has(lastSeq) || (reads[me] ?? 0) >= lastSeq) return;
    if (this.connection.send({ type: "message.read", conversation: id, seq: lastSeq })) reads[me] = lastSeq;
  }

  async #newest(): Promise<void> { this.#loaded = await this.#page({}); }

  async #earlier(): Promise<void> {
    const first = this.conversation.ordered[0];
    if (first) await this.#page({ before: first.seq });
    this.update();
  }

  async #page(where: { before?: number }): Promise<boolean> {
    try {
      const ok = await this.connection.ask({ type: "history", conversation: this.conversation.id, limit: PAGE, ...where });
      for (const message of ok.messages ?? []) this.conversation.keep(message);
      this.#more = ok.more ?? false;
      const first = this.conversation.ordered[0];
      if (first) await this.#records.from(first.n);
      return true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return false;
    }
  }

  async #startOrEnd(): Promise<void> {
    const type = this.conversation.session ? "session.end" : "session.start";
    try {
      await this.connection.ask({ type, conversation: this.conversation.id });
    } catch (error) {
      text(this.#session, error instanceof Refused && error.code === "consent_required" ? S.needConsent : S.failed);
    }
  }
}
