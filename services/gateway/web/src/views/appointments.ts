/** Appointments: to come, changed, called off; a calendar that follows them; and the facts of the session that runs or ran. */

import { Appointments, isAppointment, type Appointment, type Facts } from "../appointments";
import { reminder } from "../agreements";
import type { Conversation } from "../conversation";
import { dialog, fill, h, text } from "../dom";
import { sentence, type Ask, type Happened, type PageFeature } from "../features";
import type { About, ClientFrame, Message, Ok, Purpose, Role } from "../protocol";
import { S } from "../strings";
import { words } from "../words";

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

const W = words({
  title: "Appointments", none: "Nothing is planned.", when: "When", minutes: "Minutes", schedule: "Plan it", change: "Change", cancel: "Call it off",
  at: (at: string, minutes: number) => `${at}, ${minutes} minutes`, missed: (at: string) => `${at}: it didn’t take place.`,
  calendar: "Follow in my calendar", address: "Address for your calendar. Who has it sees the times, and nothing else.", revoke: "Take the address back", revoked: "The address leads nowhere any more.",
  facts: "The last session in facts", noFacts: "There was no session yet.", lasted: (m: number) => `It lasted ${m} min.`,
  share: (name: string, messages: number, share: number | null) => `${name}: ${messages} messages${share === null ? "" : `, ${Math.round(share * 100)} % of the words`}`,
  did: (symbols: number, exercises: number, agreements: number, open: number) => `Symbols used: ${symbols}. Exercises: ${exercises}. Agreements: ${agreements}. Not yet heard as meant: ${open}.`,
  rated: (name: string, before: number | undefined, after: number | undefined) => `${name}: ${before ?? "–"} before, ${after ?? "–"} after`,
  bad: { wrong_state: "It has changed in the meantime.", past_time: "This time is over.", bad_frame: "This time can’t be used." } as Record<string, string>,
}, {
  title: "Rendez-vous", none: "Rien n’est prévu.", when: "Quand", minutes: "Minutes", schedule: "Prévoir", change: "Changer", cancel: "Annuler",
  at: (at: string, minutes: number) => `${at}, ${minutes} minutes`, missed: (at: string) => `${at} : il n’a pas eu lieu.`,
  calendar: "Suivre dans mon agenda", address: "Adresse pour votre agenda. Qui l’a voit les heures, et rien d’autre.", revoke: "Retirer l’adresse", revoked: "L’adresse ne mène plus nulle part.",
  facts: "La dernière séance en faits", noFacts: "Il n’y a pas encore eu de séance.", lasted: (m: number) => `Elle a duré ${m} min.`,
  share: (name: string, messages: number, share: number | null) => `${name} : ${messages} messages${share === null ? "" : `, ${Math.round(share * 100)} % des mots`}`,
  did: (symbols: number, exercises: number, agreements: number, open: number) => `Symboles employés : ${symbols}. Exercices : ${exercises}. Accords : ${agreements}. Pas encore entendu comme voulu : ${open}.`,
  rated: (name: string, before: number | undefined, after: number | undefined) => `${name} : ${before ?? "–"} avant, ${after ?? "–"} après`,
  bad: { wrong_state: "Cela a changé entre-temps.", past_time: "Ce moment est passé.", bad_frame: "Ce moment ne convient pas." },
});

export class AppointmentsView implements PageFeature {
  readonly #button = h("button", { type: "button", click: () => this.#open() }, W.title);
  readonly buttons = [this.#button];
  readonly #all = new Appointments();
  #list: HTMLElement | null = null;
  #session: string | null = null;

  constructor(private readonly conversation: Conversation, private readonly ask: Ask, private readonly role: Role,
    private readonly showAgain: (purpose: Purpose) => Promise<unknown>) { this.#session = conversation.session?.id ?? null; }

  async arrived(): Promise<void> {
    this.#all.load((await this.#ask({ type: "session.list", limit: 50 })).sessions as unknown as Appointment[] ?? []);
    this.#update();
  }

  take(frame: About): void {
    if (frame.type === "session.started") { this.#session = frame.session; this.#all.started(frame.session); void this.arrived().catch(() => undefined); }
    if (!isAppointment(frame)) return;
    this.#all.take(frame);
    if (frame.type === "session.disclaimer") void this.#again(frame.forms[this.conversation.me] ?? []);
    this.#update();
  }

  recall(_: Happened): void { /* the list says how they stand */ }
  actions(_: Message): HTMLElement[] { return []; }
  beneath(_: Message): HTMLElement { return h("div", { hidden: true }); }

  async #again(purposes: readonly Purpose[]): Promise<void> { for (const purpose of purposes) await this.showAgain(purpose); }
  #ask(frame: ClientFrame): Promise<Ok> { return this.ask({ conversation: this.conversation.id, ...frame }); }
  #name(id: string): string { return id === this.conversation.me ? S.me : this.conversation.people.get(id)?.display_name ?? ""; }
  #at(one: Appointment): string { return moment.format(new Date(one.starts_at)); }

  #update(): void {
    if (!this.#list) return;
    fill(this.#list, ...this.#all.open.map((one) => this.#item(one)), this.#all.open.length === 0 && h("li", { class: "meta" }, W.none),
      ...this.#all.missed.map((one) => h("li", { class: "meta" }, W.missed(this.#at(one)))));
  }

  #open(): void {
    const status = h("p", { class: "problem", role: "alert" }), facts = h("div", { role: "status" }), address = h("div", { role: "status" });
    this.#list = h("ul", { class: "plain" });
    this.#update();
    const shown = dialog(W.title, h("h2", {}, W.title), this.#list, this.role === "therapist" && this.#form(status, null), address, facts, status,
      h("div", { class: "actions" },
        h("button", { type: "button", click: () => void this.#calendar(address, status) }, W.calendar),
        h("button", { type: "button", click: () => void this.#facts(facts, status) }, W.facts),
        h("button", { type: "button", click: () => shown.close() }, S.close)));
    shown.addEventListener("close", () => { this.#list = null; });
  }

  #item(one: Appointment): HTMLElement {
    const status = h("span", { class: "problem", role: "alert" }), { session, revision } = one;
    return h("li", {}, h("p", {}, W.at(this.#at(one), one.minutes)),
      this.role === "therapist" && h("details", {}, h("summary", {}, W.change), this.#form(status, one)),
      h("button", { type: "button", click: () => void this.#do({ type: "session.cancel", session, revision }, status) }, W.cancel), status);
  }

  #form(status: HTMLElement, found: Appointment | null): HTMLFormElement {
    const when = h("input", { type: "datetime-local", required: true }), minutes = h("input", { type: "number", min: "5", max: "480", value: String(found?.minutes ?? 50) });
    return h("form", { class: "wording", submit: (event) => {
      event.preventDefault();
      const local = reminder(when.value);
      if (!local) return;
      void this.#do({ when: local, minutes: Number(minutes.value),
        ...(found ? { type: "session.reschedule", session: found.session, revision: found.revision } : { type: "session.schedule", session: crypto.randomUUID() }) }, status)
        .then((done) => { if (done) when.value = ""; });
    } }, h("label", {}, W.when, when), h("label", {}, W.minutes, minutes), h("button", { type: "submit", class: "primary" }, found ? W.change : W.schedule));
  }

  async #do(frame: ClientFrame, status: HTMLElement): Promise<boolean> {
    text(status, "");
    try { await this.#ask({ record: crypto.randomUUID(), ...frame }); return true; } catch (error) { text(status, sentence(error, W.bad)); return false; }
  }

  async #calendar(where: HTMLElement, status: HTMLElement): Promise<void> {
    try {
      const { url = "" } = await this.#ask({ type: "calendar.open", record: crypto.randomUUID() });
      const field = h("input", { type: "text", readonly: true, value: url, "aria-label": W.address });
      const revoke = async (): Promise<void> => {
        try { await this.#ask({ type: "calendar.revoke" }); fill(where, h("p", {}, W.revoked)); } catch (error) { text(status, sentence(error)); }
      };
      fill(where, h("p", {}, W.address), field, h("button", { type: "button", click: () => void revoke() }, W.revoke));
      field.select();
    } catch (error) { text(status, sentence(error)); }
  }

  async #facts(where: HTMLElement, status: HTMLElement): Promise<void> {
    try {
      this.#session ??= (await this.#ask({ type: "pacing.series", limit: 1 }) as unknown as { sessions: { session: string }[] }).sessions[0]?.session ?? null;
      if (this.#session === null) { fill(where, h("p", {}, W.noFacts)); return; }
      const found = await this.#ask({ type: "session.summary", session: this.#session }) as unknown as Facts;
      fill(where, h("p", {}, W.lasted(Math.round(found.duration_s / 60))),
        ...Object.entries(found.pacing.participants).map(([who, { messages, share }]) => h("p", {}, W.share(this.#name(who), messages, share))),
        h("p", {}, W.did(found.symbols.length, found.exercises.length, found.agreements.length, found.attunement_open.length)),
        ...found.exercises.map((one) => h("p", {}, W.rated(one.exercise.replaceAll("_", " "), one.before, one.after))));
    } catch (error) { text(status, sentence(error)); }
  }
}
