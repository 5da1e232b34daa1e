/** The safety plan: written together, before it is needed. */

import type { Conversation } from "../conversation";
import { dialog, h, text } from "../dom";
import { sentence, type Ask, type Happened, type PageFeature } from "../features";
import { Refused, type About, type ClientFrame, type Message, type Ok } from "../protocol";
import { EMPTY_PLAN, PLAN_LISTS, items, merged, type Plan, type PlanList } from "../safety";
import { S } from "../strings";
import { words } from "../words";

const W = words({
  plan: "Safety plan", onEachLine: "One on each line.", changed: "It was changed meanwhile; what you both wrote is here. Look at it, then save.",
  list: { warning_signs: "Warning signs that I notice", coping: "What I can do by myself", people: "People who do me good", places: "Places that do me good",
    professionals: "Professionals whom I can reach", making_safe: "Making it safer around me" } as Record<PlanList, string>,
  bad: { bad_text: "One of the lines is too long.", bad_frame: "There are too many lines." } as Record<string, string>,
}, {
  plan: "Plan de sécurité", onEachLine: "Un élément par ligne.", changed: "Il a été modifié entre-temps ; ce que vous avez écrit tous deux est ici. Relisez, puis enregistrez.",
  list: { warning_signs: "Les signes que je remarque", coping: "Ce que je peux faire de moi-même", people: "Les personnes qui me font du bien", places: "Les lieux qui me font du bien",
    professionals: "Les professionnels que je peux joindre", making_safe: "Rendre mon entourage plus sûr" },
  bad: { bad_text: "Une des lignes est trop longue.", bad_frame: "Il y a trop de lignes." },
});

type Fields = Record<PlanList, HTMLTextAreaElement>;

export class SafetyPlanView implements PageFeature {
  readonly buttons = [h("button", { type: "button", click: () => void this.#open() }, W.plan)];
  /** What is open just now, and what it was made from. */
  #shown: { fields: Fields; status: HTMLElement; base: Plan; version: number; sending: string | null } | null = null;

  constructor(private readonly conversation: Conversation, private readonly ask: Ask) {}

  async arrived(): Promise<void> { /* read when it is opened */ }
  recall(_: Happened): void { /* the same */ }
  actions(_: Message): HTMLElement[] { return []; }
  beneath(_: Message): HTMLElement { return h("div", { hidden: true }); }

  take(frame: About): void {
    if (frame.type === "safety_plan.saved" && this.#shown && this.#shown.sending !== frame.record) this.#meanwhile(frame.version, frame.plan);
  }

  #ask(frame: ClientFrame): Promise<Ok> { return this.ask({ conversation: this.conversation.id, ...frame }); }

  async #open(): Promise<void> {
    const status = h("p", { role: "status" });
    const fields = Object.fromEntries(PLAN_LISTS.map((list) => [list, h("textarea", { rows: "2", dir: "auto" })])) as Fields;
    const save = h("button", { type: "submit", class: "primary", disabled: true }, S.save);
    const shown = dialog(W.plan, h("h2", {}, W.plan), h("p", { class: "meta" }, W.onEachLine),
      h("form", { class: "wording plan", submit: (event) => { event.preventDefault(); void this.#save(); } },
        ...PLAN_LISTS.map((list) => h("label", {}, W.list[list], fields[list])), save),
      status, h("div", { class: "actions" }, h("button", { type: "button", click: () => shown.close() }, S.close)));
    shown.addEventListener("close", () => { this.#shown = null; });
    try {
      const { version = 0, plan = EMPTY_PLAN } = await this.#ask({ type: "safety_plan.get" });
      this.#shown = { fields, status, base: plan, version, sending: null };
      this.#write(plan);
      save.disabled = false;
    } catch (error) { text(status, sentence(error)); }
  }

  #read(fields: Fields): Plan { return Object.fromEntries(PLAN_LISTS.map((list) => [list, items(fields[list].value)])) as Plan; }

  #write(plan: Plan): void { if (this.#shown) for (const list of PLAN_LISTS) this.#shown.fields[list].value = plan[list].join("\n"); }

  /** The other saved: what both wrote is shown, and nothing is saved by itself. */
  #meanwhile(version: number, plan: Plan): void {
    const at = this.#shown;
    if (!at || version <= at.version) return;
    this.#write(merged(at.base, this.#read(at.fields), plan));
    Object.assign(at, { base: plan, version });
    text(at.status, W.changed);
  }

  async #save(): Promise<void> {
    const at = this.#shown;
    if (!at) return;
    const plan = this.#read(at.fields), record = crypto.randomUUID();
    at.sending = record;
    text(at.status, "");
    try {
      await this.#ask({ type: "safety_plan.save", record, based_on: at.version, plan });
      Object.assign(at, { base: plan, version: at.version + 1 });
      text(at.status, S.saved(at.version));
    } catch (error) {
      if (error instanceof Refused && error.code === "wrong_state") {
        const { version = 0, plan: theirs = EMPTY_PLAN } = await this.#ask({ type: "safety_plan.get" });
        this.#meanwhile(version, theirs);
      } else text(at.status, sentence(error, W.bad));
    } finally { at.sending = null; }
  }
}
