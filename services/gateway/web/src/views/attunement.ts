/** "What did you hear?" beneath the message that it is about, for as long as it is open. */

import { Checks, turn, type AttuneFrame, type Check, type Said } from "../attunement";
import type { Conversation } from "../conversation";
import { fill, h, text } from "../dom";
import { sentence, type Ask, type Happened, type PageFeature } from "../features";
import type { About, ClientFrame, Message } from "../protocol";
import { S } from "../strings";
import { words } from "../words";

const W = words({
  ask: "What did you hear?", sayBack: "Say back what I hear", askedMine: "You asked what was heard.", asked: (name: string) => `${name} asks: what did you hear?`,
  mine: "What I heard, in my own words", say: "Say it back", heard: (name: string) => `What ${name} heard:`, answered: (name: string) => `${name}:`,
  yes: "Yes, heard", notQuite: "Not quite", more: "What I meant (if you like)", waits: (name: string) => `${name} hasn’t answered yet.`,
  over: "✓ Heard as meant.", open: (n: number) => `Not heard yet: ${n}`,
  bad: { wrong_state: "It has changed in the meantime.", bad_text: "Use your own words for it.", forbidden: "This one is the other’s to answer." } as Record<string, string>,
}, {
  ask: "Qu’avez-vous entendu ?", sayBack: "Redire ce que j’entends", askedMine: "Vous avez demandé ce qui a été entendu.", asked: (name: string) => `${name} demande : qu’avez-vous entendu ?`,
  mine: "Ce que j’ai entendu, avec mes mots", say: "Le redire", heard: (name: string) => `Ce que ${name} a entendu :`, answered: (name: string) => `${name} :`,
  yes: "Oui, entendu", notQuite: "Pas tout à fait", more: "Ce que je voulais dire (si vous voulez)", waits: (name: string) => `${name} n’a pas encore répondu.`,
  over: "✓ Entendu comme voulu.", open: (n: number) => `Pas encore entendu : ${n}`,
  bad: { wrong_state: "Cela a changé entre-temps.", bad_text: "Dites-le avec vos mots.", forbidden: "C’est à l’autre de répondre." },
});

export class AttunementView implements PageFeature {
  /** How many are open, and a way to the first of them. */
  readonly #open = h("button", { type: "button", class: "quiet", hidden: true, click: () => this.#show() });
  readonly buttons = [];
  readonly first = [this.#open];
  readonly #checks = new Checks();
  readonly #beneath = new Map<string, HTMLElement>();
  /** The last check of each message. */
  readonly #last = new Map<string, string>();

  constructor(private readonly conversation: Conversation, private readonly ask: Ask) {}

  async arrived(): Promise<void> {
    let before: number | undefined;
    for (;;) {
      const { checks = [], more } = await this.#ask({ type: "attune.list", open: true, ...(before ? { before } : {}) });
      this.#checks.load(checks);
      before = checks[0]?.n;
      if (!more || !before) break;
    }
    this.#update();
  }

  take(frame: About): void {
    if (frame.type === "message.deleted") this.#checks.takenBack(frame.message);
    else if (frame.type.startsWith("attune.")) {
      const told = frame as AttuneFrame;
      this.#checks.take(told, (id) => this.#message(id));
      if (!this.#checks.get(told.check)) void this.arrived().catch(() => undefined); // of a message that isn't in sight
    } else return;
    this.#update();
  }

  recall(_: Happened): void { /* the list says what is open */ }

  beneath(message: Message): HTMLElement {
    const element = h("div", { class: "attunement" });
    this.#beneath.set(message.message, element);
    this.#fill(message.message, element);
    return element;
  }

  actions(message: Message): HTMLElement[] {
    const status = h("span", { class: "problem", role: "alert" });
    const ask = async (): Promise<void> => {
      text(status, "");
      try { await this.#ask({ type: "attune.ask", check: crypto.randomUUID(), message: message.message }); } catch (error) { text(status, sentence(error, W.bad)); }
    };
    return [h("button", { type: "button", click: () => void ask() }, message.from === this.conversation.me ? W.ask : W.sayBack), status];
  }

  #ask(frame: ClientFrame): ReturnType<Ask> { return this.ask({ conversation: this.conversation.id, ...frame }); }
  #name(id: string): string { return id === this.conversation.me ? S.me : this.conversation.people.get(id)?.display_name ?? ""; }

  #message(id: string): { author: string; seq: number } | undefined {
    for (const message of this.conversation.messages.values()) if (message.message === id) return { author: message.from, seq: message.seq };
    return undefined;
  }

  #show(): void {
    const first = this.#checks.open.map((check) => this.#beneath.get(check.message)).find((element) => element?.isConnected);
    first?.scrollIntoView({ block: "center" });
    first?.querySelector<HTMLElement>("textarea, input, button")?.focus();
  }

  #update(): void {
    const { open } = this.#checks;
    for (const check of open) this.#last.set(check.message, check.check);
    this.#open.hidden = !open.length;
    text(this.#open, open.length ? W.open(open.length) : "");
    for (const [message, element] of this.#beneath) this.#fill(message, element);
  }

  /** Only where something changed, so that what somebody is writing there stays. */
  #fill(message: string, element: HTMLElement): void {
    const id = this.#last.get(message), check = id ? this.#checks.get(id) : undefined;
    const now = check ? `${check.check} ${check.state} ${check.round} ${check.said.length}` : "";
    if ((element.dataset["shown"] ?? "") === now) return;
    element.dataset["shown"] = now;
    fill(element, ...(check && check.state !== "taken_back" ? this.#check(check) : []));
  }

  #check(check: Check): (HTMLElement | null)[] {
    const other = this.conversation.other?.display_name ?? "", mine = turn(check, this.conversation.me);
    const asked = check.from === this.conversation.me ? W.askedMine : W.asked(this.#name(check.from));
    return [h("p", { class: "meta" }, asked), ...check.said.map((said) => this.#said(said)),
      mine === "reflect" ? this.#reflect(check) : mine === "answer" ? this.#answer(check) : null,
      mine === "wait" ? h("p", { class: "meta" }, W.waits(other)) : mine === "over" ? h("p", { class: "meta" }, W.over) : null];
  }

  #said(said: Said): HTMLElement {
    const whose = said.heard === undefined ? W.heard(this.#name(said.from)) : W.answered(this.#name(said.from));
    const answer = said.heard === undefined ? "" : said.heard ? W.yes : W.notQuite;
    return h("p", { dir: "auto" }, h("span", { class: "meta" }, whose), [answer, said.text].filter(Boolean).join(". "));
  }

  #reflect(check: Check): HTMLElement {
    const status = h("span", { class: "problem", role: "alert" });
    const field = h("textarea", { rows: "2", "aria-label": W.mine, placeholder: W.mine, dir: "auto" });
    return h("form", { submit: (event) => {
      event.preventDefault();
      void this.#do({ type: "attune.reflect", check: check.check, text: field.value.trim() }, status);
    } }, field, h("button", { type: "submit", class: "primary" }, W.say), status);
  }

  #answer(check: Check): HTMLElement {
    const status = h("span", { class: "problem", role: "alert" });
    const field = h("textarea", { rows: "1", "aria-label": W.more, placeholder: W.more, dir: "auto" });
    const answer = (heard: boolean): void => {
      const body = field.value.trim();
      void this.#do({ type: "attune.answer", check: check.check, heard, ...(body ? { text: body } : {}) }, status);
    };
    return h("div", {}, field, h("div", { class: "line" },
      h("button", { type: "button", class: "primary", click: () => answer(true) }, W.yes),
      h("button", { type: "button", click: () => answer(false) }, W.notQuite)), status);
  }

  async #do(frame: ClientFrame, status: HTMLElement): Promise<void> {
    text(status, "");
    try { await this.#ask({ record: crypto.randomUUID(), ...frame }); } catch (error) { text(status, sentence(error, W.bad)); }
  }
}
