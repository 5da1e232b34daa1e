/** Messages for later: written now, sent at a time to come, and one's own until then. */

import type { Conversation } from "../conversation";
import { dialog, fill, h, text } from "../dom";
import { sentence, type Ask, type Happened, type PageFeature } from "../features";
import { Waiting, momentOf, type Later } from "../later";
import type { About, ClientFrame, Message, Ok } from "../protocol";
import { S } from "../strings";
import { words } from "../words";

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

const W = words({
  title: "For later", some: (n: number) => `For later: ${n}`, none: "Nothing waits.", write: "What to send later", when: "Send it at", plan: "Send it then", change: "Change", recall: "Take it back",
  past: "Choose a time that is to come.", unsent: "Something that waited was not sent, since one of you had left.",
  bad: { wrong_state: "It has been sent, or changed, in the meantime.", past_time: "Choose a time that is to come.", bad_text: "Write something first." } as Record<string, string>,
}, {
  title: "Pour plus tard", some: (n: number) => `Pour plus tard : ${n}`, none: "Rien n’attend.", write: "Ce qui est à envoyer plus tard", when: "L’envoyer le", plan: "L’envoyer alors", change: "Changer", recall: "Le reprendre",
  past: "Choisissez un moment à venir.", unsent: "Un message qui attendait n’a pas été envoyé, l’un de vous étant parti.",
  bad: { wrong_state: "Cela a été envoyé, ou changé, entre-temps.", past_time: "Choisissez un moment à venir.", bad_text: "Écrivez d’abord quelque chose." },
});

export class LaterView implements PageFeature {
  readonly #button = h("button", { type: "button", click: () => this.#open() }, W.title);
  readonly buttons = [this.#button];
  readonly #waiting = new Waiting();
  #list: HTMLElement | null = null;

  constructor(private readonly conversation: Conversation, private readonly ask: Ask) {}

  async arrived(): Promise<void> {
    this.#waiting.load((await this.#ask({ type: "message.later_list" })).later ?? []);
    this.#update();
  }

  take(frame: About): void {
    if (frame.type !== "message.later_changed") return;
    if (this.#waiting.take(frame)) void this.arrived().catch(() => undefined);
    this.#update();
  }

  recall(_: Happened): void { /* nobody is told of what waits */ }
  actions(_: Message): HTMLElement[] { return []; }
  beneath(_: Message): HTMLElement { return h("div", { hidden: true }); }

  #ask(frame: ClientFrame): Promise<Ok> { return this.ask({ conversation: this.conversation.id, ...frame }); }

  #update(): void {
    const count = this.#waiting.list.length;
    text(this.#button, count ? W.some(count) : W.title);
    if (!this.#list) return;
    fill(this.#list, ...(count ? this.#waiting.list.map((one) => this.#item(one)) : [h("li", { class: "meta" }, W.none)]),
      this.#waiting.unsent.size > 0 && h("li", { role: "status" }, W.unsent));
  }

  #open(): void {
    const status = h("p", { class: "problem", role: "alert" });
    this.#list = h("ul", { class: "plain" });
    this.#update();
    const shown = dialog(W.title, h("h2", {}, W.title), this.#list, this.#form(status, null), status,
      h("div", { class: "actions" }, h("button", { type: "button", click: () => shown.close() }, S.close)));
    shown.addEventListener("close", () => { this.#list = null; this.#waiting.unsent.clear(); });
  }

  #item(one: Later): HTMLElement {
    const status = h("span", { class: "problem", role: "alert" }), { message, wording } = one;
    return h("li", {}, h("p", { dir: "auto" }, one.text), h("p", { class: "meta" }, moment.format(new Date(one.at))),
      h("details", {}, h("summary", {}, W.change), this.#form(status, one)),
      h("button", { type: "button", click: () => void this.#do({ type: "message.later_recall", message, wording }, status) }, W.recall), status);
  }

  #form(status: HTMLElement, found: Later | null): HTMLFormElement {
    const body = h("textarea", { rows: "2", "aria-label": W.write, placeholder: W.write, dir: "auto" }), when = h("input", { type: "datetime-local" });
    body.value = found?.text ?? "";
    return h("form", { class: "wording", submit: (event) => {
      event.preventDefault();
      const at = momentOf(when.value);
      if (!at) { text(status, W.past); return; }
      const kept = found ? { ...(found.tone ? { tone: found.tone } : {}), ...(found.in_reply_to ? { in_reply_to: found.in_reply_to } : {}) } : {};
      void this.#do({ text: body.value.trim(), at, ...kept,
        ...(found ? { type: "message.later_change", message: found.message, wording: found.wording } : { type: "message.later", message: crypto.randomUUID() }) }, status)
        .then((done) => { if (done) body.value = when.value = ""; });
    } }, body, h("label", {}, W.when, when), h("button", { type: "submit", class: "primary" }, found ? W.change : W.plan));
  }

  async #do(frame: ClientFrame, status: HTMLElement): Promise<boolean> {
    text(status, "");
    try { await this.#ask({ record: crypto.randomUUID(), ...frame }); await this.arrived(); return true; } catch (error) { text(status, sentence(error, W.bad)); return false; }
  }
}
