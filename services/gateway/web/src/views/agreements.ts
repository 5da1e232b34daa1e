/** Agreements: proposed, looked at by the other, agreed on or not; and what became of them. */

import { Agreements, acts, endOf, isAgreement, reminder, type Act, type Agreement, type How } from "../agreements";
import type { Conversation } from "../conversation";
import { dialog, fill, h, text } from "../dom";
import { sentence, type Ask, type Happened, type PageFeature } from "../features";
import type { About, ClientFrame, Message, Ok } from "../protocol";
import { S } from "../strings";
import { words } from "../words";

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const HOW: readonly How[] = ["done", "partly", "not_yet"];

const W = words({
  agreements: "Agreements", look: (n: number) => `Agreements: ${n} to look at`, none: "Nothing is agreed or proposed.",
  what: "What to try", until: "Look at it again after (if you like)", remind: "Remind both of us at (if you like)", propose: "Propose",
  by: (name: string) => `proposed by ${name}`, state: { proposed: "proposed", agreed: "agreed", declined: "declined", closed: "closed" },
  act: { accept: "Agree", decline: "Not this", revise: "Reword", report: "", close: "Close it" } as Record<Act, string>, withdraw: "Take it back",
  how: { done: "Done", partly: "Partly", not_yet: "Not yet" } as Record<How, string>, report: "How it went (if you like)",
  untilAt: (at: string) => `to look at again after ${at}`, remindAt: (at: string, zone: string) => `a reminder on ${at} (${zone})`,
  wantIt: "Remind me, too", due: "Time to look at this again.",
  bad: { wrong_state: "It has changed in the meantime.", bad_text: "Say in a few words what to try.", past_time: "This time is over.", bad_frame: "This time can’t be used." } as Record<string, string>,
}, {
  agreements: "Accords", look: (n: number) => `Accords : ${n} à revoir`, none: "Rien n’est convenu ni proposé.",
  what: "Ce qu’il y a à essayer", until: "À revoir après le (si vous voulez)", remind: "Nous le rappeler à tous deux le (si vous voulez)", propose: "Proposer",
  by: (name: string) => `proposé par ${name}`, state: { proposed: "proposé", agreed: "convenu", declined: "refusé", closed: "clos" },
  act: { accept: "D’accord", decline: "Pas cela", revise: "Reformuler", report: "", close: "Clore" }, withdraw: "Le retirer",
  how: { done: "Fait", partly: "En partie", not_yet: "Pas encore" }, report: "Comment cela s’est passé (si vous voulez)",
  untilAt: (at: string) => `à revoir après le ${at}`, remindAt: (at: string, zone: string) => `un rappel le ${at} (${zone})`,
  wantIt: "Me le rappeler aussi", due: "Il est temps d’y revenir.",
  bad: { wrong_state: "Cela a changé entre-temps.", bad_text: "Dites en quelques mots ce qu’il y a à essayer.", past_time: "Ce moment est passé.", bad_frame: "Ce moment ne convient pas." },
});

export class AgreementsView implements PageFeature {
  readonly #button = h("button", { type: "button", click: () => this.#open() }, W.agreements);
  readonly buttons = [this.#button];
  readonly #all = new Agreements();
  #list: HTMLElement | null = null;

  constructor(private readonly conversation: Conversation, private readonly ask: Ask) {}

  async arrived(): Promise<void> {
    for (let before: string | undefined; ;) {
      const { agreements = [], more } = await this.#ask({ type: "agreement.list", open: true, limit: 100, ...(before ? { before } : {}) });
      this.#all.load(agreements);
      before = agreements.at(-1)?.agreement;
      if (!more || !before) break;
    }
    this.#update();
  }

  take(frame: About): void {
    if (!isAgreement(frame)) return;
    this.#all.take(frame);
    this.#update();
  }

  recall(_: Happened): void { /* the list says how they stand */ }
  actions(_: Message): HTMLElement[] { return []; }
  beneath(_: Message): HTMLElement { return h("div", { hidden: true }); }

  #ask(frame: ClientFrame): Promise<Ok> { return this.ask({ conversation: this.conversation.id, ...frame }); }
  #name(id: string): string { return id === this.conversation.me ? S.me : this.conversation.people.get(id)?.display_name ?? ""; }

  /** How many wait for this person: proposals of the other, and what is due. */
  #update(): void {
    const { me } = this.conversation;
    const waiting = this.#all.open.filter((one) => this.#all.due.has(one.agreement) || acts(one, me).includes("accept")).length;
    text(this.#button, waiting ? W.look(waiting) : W.agreements);
    this.#button.classList.toggle("asking", waiting > 0);
    if (this.#list) this.#fill(this.#list);
  }

  #open(): void {
    const status = h("p", { class: "problem", role: "alert" });
    this.#list = h("ul", { class: "plain agreements" });
    this.#fill(this.#list);
    const shown = dialog(W.agreements, h("h2", {}, W.agreements), this.#list, this.#wording(status, null), status,
      h("div", { class: "actions" }, h("button", { type: "button", click: () => shown.close() }, S.close)));
    shown.addEventListener("close", () => { this.#list = null; this.#all.due.clear(); this.#update(); });
  }

  /** A form for a proposal, or for another wording of one. */
  #wording(status: HTMLElement, found: Agreement | null): HTMLFormElement {
    const what = h("textarea", { rows: "2", "aria-label": W.what, placeholder: W.what, dir: "auto" });
    what.value = found?.what ?? "";
    const until = h("input", { type: "date" }), remind = h("input", { type: "datetime-local" });
    let sending: { asked: string; record: string } | null = null; // the same again is the same request
    return h("form", { class: "wording", submit: (event) => {
      event.preventDefault();
      const end = endOf(until.value), at = reminder(remind.value);
      const asked = { type: found ? "agreement.revise" : "agreement.propose", what: what.value.trim(), ...(end ? { until: end } : {}), ...(at ? { remind: at } : {}),
        ...(found ? { agreement: found.agreement, wording: found.wording } : {}) };
      if (sending?.asked !== JSON.stringify(asked)) sending = { asked: JSON.stringify(asked), record: crypto.randomUUID() };
      void this.#do({ ...asked, record: sending.record }, status).then((done) => { if (done) { what.value = until.value = remind.value = ""; } });
    } }, what, h("label", {}, W.until, until), h("label", {}, W.remind, remind), h("button", { type: "submit", class: "primary" }, found ? W.act.revise : W.propose));
  }

  async #do(frame: ClientFrame, status: HTMLElement): Promise<boolean> {
    text(status, "");
    try { await this.#ask({ record: crypto.randomUUID(), ...frame }); return true; } catch (error) { text(status, sentence(error, W.bad)); return false; }
  }

  /** Only what changed is made anew, so that what somebody is writing stays. */
  #fill(list: HTMLElement): void {
    const kept = new Map([...list.querySelectorAll<HTMLElement>("li[data-key]")].map((item) => [item.dataset["key"], item]));
    const items = this.#all.list.map((one) => {
      const key = `${one.agreement} ${one.state} ${one.wording} ${one.how} ${one.will_remind} ${this.#all.due.has(one.agreement)}`;
      return kept.get(key) ?? this.#item(one, key);
    });
    fill(list, ...(items.length ? items : [h("li", { class: "meta" }, W.none)]));
  }

  #item(one: Agreement, key: string): HTMLElement {
    const status = h("span", { class: "problem", role: "alert" });
    const about = [W.state[one.state], one.state === "proposed" ? W.by(this.#name(one.author)) : "", one.how ? W.how[one.how] : "",
      one.until ? W.untilAt(moment.format(new Date(one.until))) : "",
      one.remind && (one.will_remind || one.state === "proposed") ? W.remindAt(one.remind.at.replace("T", " "), one.remind.zone) : ""].filter(Boolean).join(", ");
    const can = acts(one, this.conversation.me);
    return h("li", { "data-key": key }, h("p", { dir: "auto" }, one.what), h("p", { class: "meta" }, about),
      this.#all.due.has(one.agreement) && h("p", { role: "status" }, W.due), ...this.#actions(one, can, status), status);
  }

  #actions(one: Agreement, can: readonly Act[], status: HTMLElement): (HTMLElement | false)[] {
    const { agreement, wording } = one;
    const wantIt = h("input", { type: "checkbox", checked: true });
    const button = (act: Act, label: string, frame: () => ClientFrame): HTMLElement =>
      h("button", { type: "button", ...(act === "accept" ? { class: "primary" } : {}), click: () => void this.#do(frame(), status) }, label);
    const form = this.#wording(status, one);
    form.hidden = true;
    const report = h("textarea", { rows: "1", "aria-label": W.report, placeholder: W.report, dir: "auto" });
    const told = (how: How): ClientFrame => ({ type: "agreement.report", agreement, how, ...(report.value.trim() ? { text: report.value.trim() } : {}) });
    return [
      can.includes("accept") && one.remind !== undefined && h("label", {}, wantIt, ` ${W.wantIt}`),
      can.includes("report") && report,
      h("div", { class: "line" },
        can.includes("accept") && button("accept", W.act.accept, () => ({ type: "agreement.accept", agreement, wording, remind: one.remind !== undefined && wantIt.checked })),
        can.includes("decline") && button("decline", W.act.decline, () => ({ type: "agreement.decline", agreement, wording })),
        can.includes("revise") && h("button", { type: "button", click: () => { form.hidden = !form.hidden; } }, W.act.revise),
        ...(can.includes("report") ? HOW.map((how) => button("report", W.how[how], () => told(how))) : []),
        can.includes("close") && button("close", one.state === "proposed" ? W.withdraw : W.act.close, () => ({ type: "agreement.close", agreement }))),
      can.includes("revise") && form,
    ];
  }
}
