/** Reactions beneath messages, what a symbol in one means, and the pair's lexicon. */

import type { Conversation } from "../conversation";
import { dialog, fill, h, text } from "../dom";
import { sentence, type Ask, type Happened, type PageFeature } from "../features";
import type { About, ClientFrame, Message } from "../protocol";
import { S } from "../strings";
import { Lexicon, acts, plain, type Act, type Sign, type SymbolFrame, type Use } from "../symbols";
import { words } from "../words";

const QUICK = ["👍", "❤️", "🙏", "😊", "😢"];
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

const W = words({
  symbols: "Symbols", react: "React", emoji: "An emoji", add: "Add", meaning: "What it means to you", propose: "Propose",
  proposed: (name: string) => `proposed by ${name}`, agreed: "agreed", retired: "not in use any more", newer: (name: string) => `New wording, proposed by ${name}:`,
  none: "No symbols yet. An emoji becomes one when you give it a meaning, and shared when the other agrees.",
  act: { agree: "Agree", revise: "Reword", retire: "Put aside" } as Record<Act, string>,
  uses: "Where it was used", noUses: "Not used yet.", inReaction: "as a reaction", reactions: "Reactions",
  takeBack: (emoji: string) => `Take back ${emoji}`, by: (emoji: string, name: string) => `${emoji} from ${name}`,
  bad: { bad_emoji: "That isn’t one emoji.", too_long: "A meaning has 500 characters at most.", bad_text: "Say what it means.", emoji_taken: "This emoji has a meaning already.",
    too_many: "You have as many symbols as there can be. Put one aside first.",
    wrong_state: "It has changed in the meantime." } as Record<string, string>,
}, {
  symbols: "Symboles", react: "Réagir", emoji: "Un émoji", add: "Ajouter", meaning: "Ce qu’il signifie pour vous", propose: "Proposer",
  proposed: (name: string) => `proposé par ${name}`, agreed: "convenu", retired: "plus utilisé", newer: (name: string) => `Nouvelle formulation, proposée par ${name} :`,
  none: "Pas encore de symbole. Un émoji en devient un quand vous lui donnez un sens, et il est partagé quand l’autre est d’accord.",
  act: { agree: "D’accord", revise: "Reformuler", retire: "Mettre de côté" },
  uses: "Où il a servi", noUses: "Pas encore utilisé.", inReaction: "en réaction", reactions: "Réactions",
  takeBack: (emoji: string) => `Retirer ${emoji}`, by: (emoji: string, name: string) => `${emoji} de ${name}`,
  bad: { bad_emoji: "Ce n’est pas un seul émoji.", too_long: "Un sens a 500 caractères au plus.", bad_text: "Dites ce qu’il signifie.", emoji_taken: "Cet émoji a déjà un sens.",
    too_many: "Vous avez déjà autant de symboles que possible. Mettez-en d’abord un de côté.",
    wrong_state: "Cela a changé entre-temps." },
});

export class SymbolsView implements PageFeature {
  readonly buttons = [h("button", { type: "button", click: () => void this.#open() }, W.symbols)];
  readonly #lexicon = new Lexicon();
  readonly #beneath = new Map<string, HTMLElement>();
  #panel: (() => void) | null = null;

  constructor(private readonly conversation: Conversation, private readonly ask: Ask) {}

  async arrived(): Promise<void> {
    let after: string | undefined;
    for (;;) {
      const { symbols = [], more } = await this.#ask({ type: "symbol.list", ...(after ? { after } : {}) });
      this.#lexicon.load(symbols);
      after = symbols.at(-1)?.symbol;
      if (!more || !after) break;
    }
    this.#update();
  }

  take(frame: About): void {
    if (frame.type === "message.deleted") {
      this.#lexicon.forget(frame.message);
      this.#update();
    } else if (frame.type.startsWith("symbol.") || frame.type.startsWith("reaction.")) {
      this.#lexicon.take(frame as SymbolFrame);
      this.#update();
    }
  }

  recall(record: Happened): void {
    if (record.type.startsWith("reaction.") || record.type === "symbol.used") {
      this.#lexicon.take({ ...record, conversation: this.conversation.id } as SymbolFrame);
      this.#update();
    }
  }

  beneath(message: Message): HTMLElement {
    const element = h("div", { class: "reactions", "aria-live": "off" });
    this.#beneath.set(message.message, element);
    this.#fill(message.message, element);
    return element;
  }

  actions(message: Message): HTMLElement[] {
    const status = h("span", { class: "problem", role: "alert" });
    const field = h("input", { type: "text", "aria-label": W.emoji, placeholder: W.emoji, size: "6" });
    const add = async (emoji: string): Promise<void> => {
      text(status, "");
      const mine = this.#mine(message.message, emoji);
      try {
        await this.#ask({ type: mine ? "reaction.remove" : "reaction.add", record: crypto.randomUUID(), message: message.message, emoji });
        field.value = "";
      } catch (error) { text(status, sentence(error, W.bad)); }
    };
    return [h("div", { class: "react", role: "group", "aria-label": W.react },
      ...QUICK.map((emoji) => h("button", { type: "button", class: "quiet", "aria-label": `${W.react} ${emoji}`, click: () => void add(emoji) }, emoji)),
      h("form", { class: "line", submit: (event) => { event.preventDefault(); if (field.value.trim()) void add(field.value.trim()); } },
        field, h("button", { type: "submit" }, W.add)), status)];
  }

  #ask(frame: ClientFrame): ReturnType<Ask> { return this.ask({ conversation: this.conversation.id, ...frame }); }
  #name(id: string): string { return id === this.conversation.me ? S.me : this.conversation.people.get(id)?.display_name ?? ""; }

  #mine(message: string, emoji: string): boolean {
    return this.#lexicon.reactions(message).some((r) => r.from === this.conversation.me && plain(r.emoji) === plain(emoji));
  }

  #update(): void {
    for (const [message, element] of this.#beneath) this.#fill(message, element);
    this.#panel?.();
  }

  /** Only where something changed: what is told once isn't told again. */
  #fill(message: string, element: HTMLElement): void {
    const reactions = this.#lexicon.reactions(message), signs = this.#lexicon.usedIn(message);
    const now = JSON.stringify([reactions, signs.map((sign) => [sign.emoji, sign.meaning.meaning])]);
    if (element.dataset["shown"] === now) return;
    element.dataset["shown"] = now;
    fill(element, ...signs.map((sign) => h("span", { class: "meaning" }, `${sign.emoji} ${sign.meaning.meaning}`)),
      ...reactions.map(({ from, emoji }) => from === this.conversation.me
        ? h("button", { type: "button", class: "quiet", "aria-label": W.takeBack(emoji),
          click: () => void this.#ask({ type: "reaction.remove", record: crypto.randomUUID(), message, emoji }).catch(() => undefined) }, emoji)
        : h("span", { role: "img", "aria-label": W.by(emoji, this.#name(from)) }, emoji)));
  }

  async #open(): Promise<void> {
    const list = h("ul", { class: "symbols" }), status = h("p", { class: "problem", role: "alert" });
    const emoji = h("input", { type: "text", "aria-label": W.emoji, placeholder: W.emoji, size: "6" });
    const meaning = h("input", { type: "text", "aria-label": W.meaning, placeholder: W.meaning });
    const done = async (frame: ClientFrame, then: () => void = () => undefined): Promise<void> => {
      text(status, "");
      try { await this.#ask({ ...frame }); then(); } catch (error) { text(status, sentence(error, W.bad)); }
    };
    const propose = (event: Event): void => {
      event.preventDefault();
      void done({ type: "symbol.define", symbol: crypto.randomUUID(), emoji: emoji.value.trim(), meaning: meaning.value.trim() },
        () => { emoji.value = meaning.value = ""; emoji.focus(); });
    };
    this.#panel = () => fill(list, ...this.#lexicon.signs.map((sign) => this.#sign(sign, done)), this.#lexicon.signs.length ? null : h("li", { class: "meta" }, W.none));
    this.#panel();
    const shown = dialog(W.symbols, h("h2", {}, W.symbols), list,
      h("form", { class: "line", submit: propose }, emoji, meaning, h("button", { type: "submit", class: "primary" }, W.propose)), status,
      h("div", { class: "actions" }, h("button", { type: "button", click: () => shown.close() }, S.close)));
    shown.addEventListener("close", () => { this.#panel = null; });
  }

  #sign(sign: Sign, done: (frame: ClientFrame, then?: () => void) => Promise<void>): HTMLElement {
    const state = sign.state === "retired" ? W.retired : sign.state === "proposed" ? W.proposed(this.#name(sign.meaning.from)) : W.agreed;
    const newest = sign.proposed ?? sign.meaning;
    const field = h("input", { type: "text", "aria-label": W.meaning, value: newest.meaning });
    const record = crypto.randomUUID;
    const form = h("form", { class: "line", hidden: true, submit: (event) => {
      event.preventDefault();
      void done({ type: "symbol.revise", record: record.call(crypto), symbol: sign.symbol, meaning: field.value.trim() });
    } }, field, h("button", { type: "submit" }, W.propose));
    const uses = h("ul", { class: "notes", hidden: true });
    const act: Record<Act, () => void> = {
      agree: () => void done({ type: "symbol.agree", record: record.call(crypto), symbol: sign.symbol, revision: newest.revision }),
      revise: () => { form.hidden = false; field.focus(); },
      retire: () => void done({ type: "symbol.retire", record: record.call(crypto), symbol: sign.symbol }),
    };
    const named = (label: string): string => `${label}: ${sign.emoji}`;
    return h("li", { class: sign.state },
      h("p", {}, h("strong", {}, sign.emoji), ` ${sign.meaning.meaning} `, h("span", { class: "meta" }, state)),
      sign.proposed ? h("p", {}, `${W.newer(this.#name(sign.proposed.from))} ${sign.proposed.meaning}`) : null, form,
      h("div", { class: "line" },
        ...acts(sign, this.conversation.me).map((one) => h("button", { type: "button", "aria-label": named(W.act[one]), click: act[one] }, W.act[one])),
        h("button", { type: "button", class: "quiet", "aria-label": named(W.uses), click: () => void this.#uses(sign, uses) }, W.uses)), uses);
  }

  /** The last of them, newest first. */
  async #uses(sign: Sign, list: HTMLElement): Promise<void> {
    list.hidden = false;
    try {
      const { uses = [] } = await this.#ask({ type: "symbol.timeline", emoji: sign.emoji });
      const line = (use: Use): HTMLElement => h("li", {}, `${moment.format(new Date(use.at))}, ${this.#name(use.from)}${use.how === "reaction" ? `, ${W.inReaction}` : ""}`);
      fill(list, ...uses.reverse().map(line), uses.length ? null : h("li", {}, W.noUses));
    } catch (error) { fill(list, h("li", {}, sentence(error))); }
  }
}
