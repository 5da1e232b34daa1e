/** Consent: the exact text, and a decision on it; each withdrawn in one tap. */

import type { Conversation } from "../conversation";
import { dialog, fill, h, prose } from "../dom";
import { PURPOSES, Refused, type ClientFrame, type Form, type Ok, type Purpose } from "../protocol";
import { PURPOSE, S } from "../strings";
import type { Compositions } from "./compositions";
import { Decisions } from "./decisions";

type Ask = (frame: ClientFrame) => Promise<Ok>;

async function digest(source: string): Promise<string> {
  const raw = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(source));
  return [...new Uint8Array(raw)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function sentence(error: unknown): string {
  if (!(error instanceof Refused)) return S.failed;
  if (error.code === "stale_form" || error.code === "stale_epoch") return S.stale;
  return error.code === "lost" || error.code === "unavailable" ? S.offline : S.failed;
}

export class Consents {
  #panel: HTMLElement | null = null;
  /** All that was kept was let go of, since keeping was withdrawn. */
  #gone = false;

  constructor(private readonly conversation: Conversation, private readonly ask: Ask, private readonly compositions: Compositions) {}

  /** Show one form and take the decision. Resolves to whether it was agreed to. */
  async offer(purpose: Purpose): Promise<boolean> {
    const { id } = this.conversation;
    const epoch = this.conversation.consent(purpose)?.epoch ?? 0;
    let form: Form | undefined;
    try {
      form = (await this.ask({ type: "consent.forms", conversation: id })).forms?.find((f) => f.purpose === purpose);
    } catch (error) { this.#tell(sentence(error)); return false; }
    if (!form) return false;
    if ((await digest(form.text)) !== form.sha256) { this.#tell(S.broken); return false; }
    return this.#decide(form, epoch);
  }

  #decide(form: Form, epoch: number): Promise<boolean> {
    return new Promise((resolve) => {
      const problem = h("p", { class: "problem", role: "alert" });
      let agreed = false;
      const agree = h("button", { type: "button", class: "primary", click: () => void grant() }, S.agree);
      const shown = dialog(form.title,
        h("h2", {}, form.title), h("div", { class: "prose", tabindex: "0", lang: form.locale }, ...prose(form.text)), problem,
        h("div", { class: "actions" }, h("button", { type: "button", click: () => shown.close() }, S.notNow), agree));
      const grant = async (): Promise<void> => {
        agree.disabled = true;
        try {
          await this.ask({
            type: "consent.grant", conversation: this.conversation.id, purpose: form.purpose,
            version: form.version, sha256: form.sha256, if_epoch: epoch, decision: crypto.randomUUID(),
          });
          agreed = true;
          shown.close();
        } catch (error) { problem.textContent = sentence(error); agree.disabled = false; }
      };
      shown.addEventListener("close", () => resolve(agreed));
    });
  }

  #tell(message: string): void {
    const shown = dialog(message, h("p", {}, message),
      h("div", { class: "actions" }, h("button", { type: "button", class: "primary", click: () => shown.close() }, S.close)));
  }

  open(): void {
    const panel = h("div", {});
    this.#panel = panel;
    const shown = dialog(S.consents, h("h2", {}, S.consents), panel,
      h("div", { class: "actions" },
        h("button", { type: "button", click: () => void new Decisions(this.conversation, this.ask).open() }, S.decisions),
        h("button", { type: "button", click: () => shown.close() }, S.close)));
    shown.addEventListener("close", () => { this.#panel = null; });
    this.update();
  }

  /** The panel, where it is open, shows what is in force now. */
  update(): void {
    if (!this.#panel) return;
    const focused = document.activeElement?.getAttribute("data-purpose");
    fill(this.#panel, ...PURPOSES.map((purpose) => this.#row(purpose)));
    if (focused) this.#panel.querySelector<HTMLElement>(`[data-purpose="${focused}"]`)?.focus();
  }

  #row(purpose: Purpose): HTMLElement {
    const mine = this.conversation.consent(purpose);
    const { other } = this.conversation;
    const theirs = other && this.conversation.consents[other.id]?.[purpose]?.state === "granted";
    const granted = mine?.state === "granted";
    const state = granted ? S.granted : mine ? S.withdrawn : S.undecided;
    const act = granted
      ? () => void this.ask({ type: "consent.withdraw", conversation: this.conversation.id, purpose, decision: crypto.randomUUID() })
        .catch((error: unknown) => this.#tell(sentence(error)))
      : () => void this.offer(purpose);
    return h("div", { class: "consent" },
      h("div", {}, h("strong", {}, PURPOSE[purpose]), h("p", { class: "meta" }, `${state}. ${theirs ? S.otherGranted(other.display_name) : ""}`)),
      h("button", { type: "button", "data-purpose": purpose, "aria-label": `${granted ? S.withdraw : S.readIt}: ${PURPOSE[purpose]}`, click: act },
        granted ? S.withdraw : S.readIt),
      purpose === "composition_replay" && mine ? this.#kept(granted) : null);
  }

  /** What was kept of one's writing: to look at; and, once nothing more is kept, to let go at once. */
  #kept(granted: boolean): HTMLElement {
    if (granted) this.#gone = false;
    const letGo = (): void => {
      this.compositions.letAllGo().then(() => { this.#gone = true; this.update(); }, (error: unknown) => this.#tell(sentence(error)));
    };
    return h("div", { class: "kept" }, h("p", { class: "meta", role: "status" }, granted ? "" : this.#gone ? S.gone : S.stillKept),
      h("button", { type: "button", "data-purpose": "kept", click: () => void this.compositions.list() }, S.kept),
      !granted && h("button", { type: "button", "data-purpose": "letGo", click: letGo }, S.letAllGo));
  }
}
