/** Help, always one tap away: where it is, telling the other, and that somebody has seen it. */

import type { Conversation } from "../conversation";
import { dialog, fill, h, text } from "../dom";
import { sentence, type Ask, type Happened, type PageFeature } from "../features";
import type { About, ClientFrame, Message, Ok, Role } from "../protocol";
import { NOWHERE, Raises, Raising, dial, isSafety, type Contact, type OpenRaise, type Resources } from "../safety";
import { S } from "../strings";
import { words } from "../words";

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const TEXT_MAX = "2000";

const W = words({
  help: "Help", now: "In danger now", call: (number: string) => `Call ${number}`, text: (number: string) => `Text ${number}`, open: "Open",
  where: "Where you are", tell: (name: string) => `Tell ${name}`, more: "What is happening (if you like)",
  told: (name: string) => `${name} is being told. It stays in view until it is seen.`, kept: "It will be on record as soon as that is possible.",
  stands: "What was said before is still waiting to be seen.", shown: "This text isn’t on record: it was only shown to who is connected now.",
  waiting: "Nothing could be sent yet. It is sent as soon as there is a connection. Please don’t wait for it: call.",
  mine: (at: string) => `You asked for help on ${at}. It waits to be seen.`, unseen: "Nobody has seen it yet. Please don’t wait: use one of the numbers.",
  theirs: (name: string, at: string) => `${name} asked for help on ${at}.`, long: "This has waited too long.", seen: "I have seen it",
  bad: { wrong_state: "Somebody has seen it already.", bad_text: "This text can’t be sent." } as Record<string, string>,
}, {
  help: "Aide", now: "En danger maintenant", call: (number: string) => `Appeler le ${number}`, text: (number: string) => `Écrire au ${number}`, open: "Ouvrir",
  where: "Où vous êtes", tell: (name: string) => `Prévenir ${name}`, more: "Ce qui se passe (si vous voulez)",
  told: (name: string) => `${name} est en train d’être prévenu·e. Cela reste affiché jusqu’à ce que ce soit vu.`, kept: "Ce sera enregistré dès que possible.",
  stands: "Ce qui a été dit avant attend encore d’être vu.", shown: "Ce texte n’est pas enregistré : il a seulement été montré à qui est connecté maintenant.",
  waiting: "Rien n’a encore pu partir. Cela partira dès qu’il y aura une connexion. N’attendez pas : appelez.",
  mine: (at: string) => `Vous avez demandé de l’aide le ${at}. Cela attend d’être vu.`, unseen: "Personne ne l’a encore vu. N’attendez pas : utilisez un des numéros.",
  theirs: (name: string, at: string) => `${name} a demandé de l’aide le ${at}.`, long: "Cela attend depuis trop longtemps.", seen: "Je l’ai vu",
  bad: { wrong_state: "Cela a déjà été vu.", bad_text: "Ce texte ne peut pas être envoyé." },
});

export class SafetyView implements PageFeature {
  readonly #button = h("button", { type: "button", class: "help", click: () => this.#open() }, W.help);
  readonly buttons = [];
  readonly first = [this.#button];
  readonly bar = h("div", { class: "raised", role: "alert", hidden: true });
  readonly #raises = new Raises();
  readonly #raising: Raising;
  /** Kept in memory, so that they are there without a connection as well. */
  #resources: Resources = NOWHERE;

  constructor(private readonly conversation: Conversation, private readonly ask: Ask, private readonly role: Role) {
    this.#raising = new Raising((frame) => this.#ask(frame));
  }

  async arrived(): Promise<void> {
    this.#raises.load(this.conversation.safety);
    this.#update();
    await this.#raising.again().catch(() => null);
    if (this.#resources.version === 0) this.#resources = (await this.#ask({ type: "safety.resources" })).resources ?? this.#resources;
    if (this.#raises.open.length) this.#raises.say((await this.#ask({ type: "safety.list", open: true, limit: 100 })).raises ?? []);
    this.#update();
  }

  take(frame: About): void {
    if (!isSafety(frame)) return;
    this.#raises.take(frame);
    if (frame.type === "safety.raised") this.#raising.recorded(frame.record);
    this.#update();
  }

  recall(_: Happened): void { /* the welcome says what waits */ }
  actions(_: Message): HTMLElement[] { return []; }
  beneath(_: Message): HTMLElement { return h("div", { hidden: true }); }

  #ask(frame: ClientFrame): Promise<Ok> { return this.ask({ conversation: this.conversation.id, ...frame }); }
  get #other(): string { return this.conversation.other?.display_name ?? ""; }

  #update(): void {
    const { open } = this.#raises;
    this.bar.hidden = open.length === 0;
    const kept = new Map([...this.bar.querySelectorAll<HTMLElement>("div[data-key]")].map((item) => [item.dataset["key"], item]));
    fill(this.bar, ...open.map((one) => {
      const key = `${one.raised} ${one.escalated_at ?? ""} ${one.text ?? ""} ${(one.also ?? []).length}`;
      return kept.get(key) ?? this.#item(one, key);
    }));
  }

  #item(one: OpenRaise, key: string): HTMLElement {
    const mine = one.from === this.conversation.me, at = moment.format(new Date(one.at));
    const status = h("span", { class: "problem" });
    const record = crypto.randomUUID();
    return h("div", { "data-key": key }, h("p", {}, mine ? W.mine(at) : W.theirs(this.#other, at)),
      one.text !== undefined && h("p", { class: "said", dir: "auto" }, one.text),
      ...(one.also ?? []).map((more) => h("p", { class: "said", dir: "auto" }, more)),
      one.escalated_at !== undefined && h("p", {}, mine ? W.unseen : W.long),
      this.role === "therapist" && h("button", { type: "button", class: "primary", click: () => {
        this.#ask({ type: "safety.acknowledge", raised: one.raised, record }).catch((error: unknown) => text(status, sentence(error, W.bad)));
      } }, W.seen), status);
  }

  #open(): void {
    const status = h("p", { role: "status" }), list = h("div", {});
    const more = h("textarea", { rows: "2", maxlength: TEXT_MAX, "aria-label": W.more, placeholder: W.more, dir: "auto" });
    this.#fill(list);
    const shown = dialog(W.help, h("h2", {}, W.help), list,
      h("form", { class: "wording", submit: (event) => {
        event.preventDefault();
        void this.#tell(more.value.trim(), status, list).then((told) => { if (told) more.value = ""; });
      } }, more, h("button", { type: "submit", class: "primary" }, W.tell(this.#other))), status,
      h("div", { class: "actions" }, h("button", { type: "button", click: () => shown.close() }, S.close)));
  }

  /** Whether what was said is kept elsewhere, so that the box may forget it. */
  async #tell(said: string, status: HTMLElement, list: HTMLElement): Promise<boolean> {
    text(status, "");
    try {
      this.#resources = await this.#raising.raise(said) ?? this.#resources;
      this.#fill(list);
      if (this.#raising.joined) {
        text(status, said ? `${W.stands} ${W.shown}` : W.stands);
        return !said;
      }
      text(status, this.#raising.waits ? `${W.told(this.#other)} ${W.kept}` : W.told(this.#other));
      return true;
    } catch (error) {
      const known = sentence(error, W.bad);
      text(status, known === S.offline ? W.waiting : known);
      return false;
    }
  }

  #fill(list: HTMLElement): void {
    const { emergency, contacts, region, regions } = this.#resources;
    const choose = h("select", { "aria-label": W.where, change: () => void this.#choose(choose.value, list) },
      ...regions.map((one) => h("option", { value: one.region, selected: one.region === region }, one.name)));
    fill(list, h("p", {}, `${W.now}: `, ...emergency.flatMap((number, index) => [index > 0 && " · ", h("a", { href: dial("tel", number) }, W.call(number))])),
      h("ul", { class: "plain" }, ...contacts.map((one) => this.#contact(one))), regions.length > 1 && h("label", {}, `${W.where} `, choose));
  }

  async #choose(region: string, list: HTMLElement): Promise<void> {
    try { this.#resources = (await this.#ask({ type: "safety.resources", region })).resources ?? this.#resources; } catch { /* what is shown stays */ }
    this.#fill(list);
  }

  #contact(one: Contact): HTMLElement {
    return h("li", {}, h("strong", {}, one.name), " ",
      one.call !== undefined && h("a", { href: dial("tel", one.call) }, W.call(one.call)), " ",
      one.text !== undefined && h("a", { href: dial("sms", one.text) }, W.text(one.text)), " ",
      one.link !== undefined && h("a", { href: one.link, target: "_blank", rel: "noreferrer noopener", "aria-label": `${W.open}: ${one.name}` }, W.open),
      h("span", { class: "meta" }, [one.hours, one.note].filter(Boolean).join(", ")));
  }
}
