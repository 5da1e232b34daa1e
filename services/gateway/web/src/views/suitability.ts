/** What is asked at intake: the client answers; the therapist reads the answers, and what they advise. */

import type { Conversation } from "../conversation";
import { dialog, h, text } from "../dom";
import { inLanguage, type Answer } from "../exercises";
import { sentence, type Ask, type Happened, type PageFeature } from "../features";
import type { About, ClientFrame, Message, Ok, Role } from "../protocol";
import type { IntakeForm, IntakeQuestion } from "../safety";
import { S } from "../strings";
import { words } from "../words";

const W = words({
  language: "en", begin: "Before we begin", send: "Send", sent: "Thank you. Your therapist can read it.", not: "Not answered yet.",
  none: "Nothing of it calls for particular care.", advice: "To consider (only you see this; it decides nothing)",
  bad: { bad_answer: "Something isn’t answered yet.", stale_form: "The questions have changed. Close this and open it again." } as Record<string, string>,
}, {
  language: "fr", begin: "Avant de commencer", send: "Envoyer", sent: "Merci. Votre thérapeute peut le lire.", not: "Pas encore de réponse.",
  none: "Rien n’appelle d’attention particulière.", advice: "À considérer (vous seul·e le voyez ; cela ne décide de rien)",
  bad: { bad_answer: "Il manque une réponse.", stale_form: "Les questions ont changé. Fermez et rouvrez." },
});

type Field = { element: HTMLElement; read: () => Answer | null };

export class SuitabilityView implements PageFeature {
  readonly buttons = [h("button", { type: "button", click: () => void this.#open() }, W.begin)];

  constructor(private readonly conversation: Conversation, private readonly ask: Ask, private readonly role: Role) {}

  async arrived(): Promise<void> { /* read when it is opened */ }
  take(_: About): void { /* the same */ }
  recall(_: Happened): void { /* the same */ }
  actions(_: Message): HTMLElement[] { return []; }
  beneath(_: Message): HTMLElement { return h("div", { hidden: true }); }

  #ask(frame: ClientFrame): Promise<Ok> { return this.ask({ conversation: this.conversation.id, ...frame }); }
  #text(said: Record<string, string>): string { return inLanguage(said, W.language); }

  async #open(): Promise<void> {
    const body = h("div", {}), status = h("p", { role: "status" });
    const shown = dialog(W.begin, h("h2", {}, W.begin), body, status, h("div", { class: "actions" }, h("button", { type: "button", click: () => shown.close() }, S.close)));
    try {
      const { form, answered, advice } = await this.#ask({ type: "suitability.get" });
      if (!form) return;
      if (this.role === "client") { body.append(this.#questions(form, answered?.answers ?? {}, status)); return; }
      if (!answered) { body.append(h("p", { class: "meta" }, W.not)); return; }
      body.append(h("h3", {}, W.advice), advice?.length
        ? h("ul", {}, ...advice.map((one) => h("li", { class: one.weight }, this.#text(one.advice)))) : h("p", { class: "meta" }, W.none),
        h("dl", {}, ...form.questions.flatMap((one) => [h("dt", {}, this.#text(one.text)), h("dd", { dir: "auto" }, this.#said(one, answered.answers[one.id]))])));
    } catch (error) { text(status, sentence(error)); }
  }

  #said(question: IntakeQuestion, given: Answer | undefined): string {
    if (given?.kind === "rating") return String(given.rating);
    if (given?.kind === "text") return given.text;
    if (given?.kind !== "choice" || question.answer.kind !== "choice") return "–";
    return question.answer.options.filter((option) => given.chosen.includes(option.id)).map((option) => this.#text(option.text)).join(", ");
  }

  #questions(form: IntakeForm, before: Record<string, Answer>, status: HTMLElement): HTMLElement {
    const fields = new Map(form.questions.map((one) => [one.id, this.#field(one, before[one.id])]));
    let sending: { written: string; record: string } | null = null; // the same answers again are the same request
    return h("form", { class: "intake", submit: (event) => {
      event.preventDefault();
      const answers = Object.fromEntries([...fields].map(([id, field]) => [id, field.read()]).filter(([, given]) => given !== null));
      const written = JSON.stringify(answers);
      if (sending?.written !== written) sending = { written, record: crypto.randomUUID() };
      this.#ask({ type: "suitability.answer", record: sending.record, version: form.version, answers })
        .then(() => text(status, W.sent), (error: unknown) => text(status, sentence(error, { ...W.bad, bad_frame: W.bad["bad_answer"] })));
    } }, h("p", {}, this.#text(form.about)), ...[...fields.values()].map(({ element }) => element), h("button", { type: "submit", class: "primary" }, W.send));
  }

  #field(question: IntakeQuestion, before: Answer | undefined): Field {
    const { answer: asked, id } = question, legend = h("legend", {}, this.#text(question.text));
    if (asked.kind === "choice") {
      const type = asked.most > 1 ? "checkbox" : "radio";
      const boxes = asked.options.map((option) => h("input", { type, name: id, value: option.id, checked: before?.kind === "choice" && before.chosen.includes(option.id) }));
      return { element: h("fieldset", {}, legend, ...asked.options.map((option, index) => h("label", {}, boxes[index], ` ${this.#text(option.text)}`))),
        read: () => { const chosen = boxes.filter((box) => box.checked).map((box) => box.value); return chosen.length ? { kind: "choice", chosen } : null; } };
    }
    if (asked.kind === "rating") {
      const boxes = Array.from({ length: 11 }, (_, n) => h("input", { type: "radio", name: id, value: String(n), checked: before?.kind === "rating" && before.rating === n }));
      return { element: h("fieldset", { class: "rating" }, legend, h("span", { class: "meta" }, this.#text(asked.low)), ...boxes.map((box, n) => h("label", {}, box, String(n))), h("span", { class: "meta" }, this.#text(asked.high))),
        read: () => { const chosen = boxes.find((box) => box.checked); return chosen ? { kind: "rating", rating: Number(chosen.value) } : null; } };
    }
    const area = h("textarea", { rows: "2", dir: "auto", "aria-label": this.#text(question.text) });
    area.value = before?.kind === "text" ? before.text : "";
    return { element: h("fieldset", {}, legend, area), read: () => (area.value.trim() ? { kind: "text", text: area.value.trim() } : null) };
  }
}
