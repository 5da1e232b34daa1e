/** Being away, leaving and returning, reporting, and quiet hours; and what is said of it above where one writes. */

import type { Conversation } from "../conversation";
import { dialog, fill, h, text } from "../dom";
import { sentence, type Ask, type Happened, type PageFeature } from "../features";
import { momentOf } from "../later";
import type { About, ClientFrame, Message, Ok, Role } from "../protocol";
import { S } from "../strings";
import { words } from "../words";

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const REASONS = ["harassment", "threat", "boundaries", "not_who_they_say", "other"] as const;

const W = words({
  title: "More", until: (at: string) => `Until ${at}.`, awayUntil: "Away until (if you know)", away: "I am away", back: "I am back",
  leave: "Leave this conversation", sure: "Nothing more can be written here by either of you until you return. Leave?", comeBack: "Return to it",
  iLeft: "You have left this conversation. You can read it, and return.", left: (name: string) => `${name} has left this conversation. You can read it.`,
  report: "Report this conversation", reason: "Why", what: "What happened (if you like)", sent: "It is reported to those who run this service. The other person isn’t told.",
  reasons: { harassment: "Harassment", threat: "A threat", boundaries: "Boundaries aren’t kept", not_who_they_say: "They aren’t who they say", other: "Something else" } as Record<string, string>,
  quiet: "Quiet hours", from: "From", to: "To", keep: "Keep", none: "None any more", kept: "Kept. No reminder comes in these hours; it waits until they are over.",
  bad: { wrong_state: "It has changed in the meantime.", past_time: "This time is over.", bad_frame: "These hours can’t be used." } as Record<string, string>,
}, {
  title: "Plus", until: (at: string) => `Jusqu’au ${at}.`, awayUntil: "Absent jusqu’au (si vous le savez)", away: "Je suis absent", back: "Je suis de retour",
  leave: "Quitter cette conversation", sure: "Aucun de vous deux ne pourra plus rien y écrire jusqu’à votre retour. Quitter ?", comeBack: "Y revenir",
  iLeft: "Vous avez quitté cette conversation. Vous pouvez la lire, et y revenir.", left: (name: string) => `${name} a quitté cette conversation. Vous pouvez la lire.`,
  report: "Signaler cette conversation", reason: "Pourquoi", what: "Ce qui s’est passé (si vous voulez)", sent: "C’est signalé à ceux qui tiennent ce service. L’autre personne n’en sait rien.",
  reasons: { harassment: "Harcèlement", threat: "Une menace", boundaries: "Les limites ne sont pas respectées", not_who_they_say: "Ce n’est pas la personne annoncée", other: "Autre chose" },
  quiet: "Heures calmes", from: "De", to: "À", keep: "Garder", none: "Plus aucune", kept: "Gardé. Aucun rappel ne vient pendant ces heures ; il attend qu’elles soient passées.",
  bad: { wrong_state: "Cela a changé entre-temps.", past_time: "Ce moment est passé.", bad_frame: "Ces heures ne conviennent pas." },
});

export class LeavingView implements PageFeature {
  readonly buttons = [h("button", { type: "button", click: () => this.#open() }, W.title)];
  /** Stands above where one writes. */
  readonly banner = h("p", { class: "banner", role: "status", hidden: true });

  constructor(private readonly conversation: Conversation, private readonly ask: Ask, private readonly role: Role) {}

  async arrived(): Promise<void> { this.#update(); }
  take(_: About): void { this.#update(); }
  recall(_: Happened): void { /* the welcome says how it stands */ }
  actions(_: Message): HTMLElement[] { return []; }
  beneath(_: Message): HTMLElement { return h("div", { hidden: true }); }

  #ask(frame: ClientFrame): Promise<Ok> { return this.ask({ conversation: this.conversation.id, record: crypto.randomUUID(), ...frame }); }

  #update(): void {
    const { left, away, me, people } = this.conversation;
    const line = left ? (left === me ? W.iLeft : W.left(people.get(left)?.display_name ?? ""))
      : away ? [away.text, away.until ? W.until(moment.format(new Date(away.until))) : ""].join(" ").trim() : "";
    text(this.banner, line);
    this.banner.hidden = !line;
  }

  #open(): void {
    const status = h("p", { class: "problem", role: "alert" }), told = h("p", { role: "status" });
    const shown = dialog(W.title, h("h2", {}, W.title), this.role === "therapist" && this.#away(status, () => shown.close()), this.#quiet(status, told), this.#report(status, told),
      this.#leave(status, () => shown.close()), told, status, h("div", { class: "actions" }, h("button", { type: "button", click: () => shown.close() }, S.close)));
  }

  async #do(frame: ClientFrame, status: HTMLElement, done: () => void): Promise<void> {
    text(status, "");
    try { await this.#ask(frame); done(); } catch (error) { text(status, sentence(error, W.bad)); }
  }

  #away(status: HTMLElement, close: () => void): HTMLElement {
    const until = h("input", { type: "datetime-local" });
    const set = (): void => { const at = momentOf(until.value); void this.#do({ type: "away.set", ...(at ? { until: at } : {}) }, status, close); };
    return h("section", { class: "wording" }, h("label", {}, W.awayUntil, until), h("div", { class: "line" }, h("button", { type: "button", click: set }, W.away),
      this.conversation.away !== null && h("button", { type: "button", click: () => void this.#do({ type: "away.clear" }, status, close) }, W.back)));
  }

  #quiet(status: HTMLElement, told: HTMLElement): HTMLElement {
    const from = h("input", { type: "time" }), to = h("input", { type: "time" });
    this.ask({ type: "quiet.get", conversation: this.conversation.id }).then(({ hours }) => { if (hours) { from.value = hours.starts; to.value = hours.ends; } }, () => undefined);
    const keep = (): void => {
      const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
      void this.#do({ type: "quiet.set", hours: { starts: from.value.slice(0, 5), ends: to.value.slice(0, 5), zone } }, status, () => text(told, W.kept));
    };
    return h("fieldset", {}, h("legend", {}, W.quiet), h("label", {}, W.from, from), h("label", {}, W.to, to), h("div", { class: "line" }, h("button", { type: "button", click: keep }, W.keep),
      h("button", { type: "button", click: () => void this.#do({ type: "quiet.clear" }, status, () => { from.value = to.value = ""; text(told, ""); }) }, W.none)));
  }

  #report(status: HTMLElement, told: HTMLElement): HTMLElement {
    const reason = h("select", { "aria-label": W.reason }, ...REASONS.map((value) => h("option", { value }, W.reasons[value] ?? value)));
    const what = h("textarea", { rows: "2", "aria-label": W.what, placeholder: W.what, dir: "auto" });
    return h("details", {}, h("summary", {}, W.report), h("form", { class: "wording", submit: (event) => {
      event.preventDefault();
      void this.#do({ type: "conversation.report", reason: reason.value, ...(what.value.trim() ? { text: what.value.trim() } : {}) }, status, () => { what.value = ""; text(told, W.sent); });
    } }, h("label", {}, W.reason, reason), what, h("button", { type: "submit" }, W.report)));
  }

  #leave(status: HTMLElement, close: () => void): HTMLElement {
    if (this.conversation.left !== null) {
      return h("div", { class: "line" }, this.conversation.left === this.conversation.me
        && h("button", { type: "button", click: () => void this.#do({ type: "conversation.return" }, status, close) }, W.comeBack));
    }
    const box = h("div", { class: "line" });
    fill(box, h("button", { type: "button", click: () => fill(box, h("p", {}, W.sure),
      h("button", { type: "button", click: () => void this.#do({ type: "conversation.leave" }, status, close) }, W.leave)) }, W.leave));
    return box;
  }
}
