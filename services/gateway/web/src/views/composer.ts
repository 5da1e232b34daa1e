/** Where one writes: the field, the dimmer beside it, and the line that says what is shown. */

import type { Conversation } from "../conversation";
import { TEXT_MOST, length, sendable } from "../drafts";
import { h, text } from "../dom";
import type { LiveText } from "../livetext";
import { Refused, type ClientFrame, type Level } from "../protocol";
import { S } from "../strings";
import { toneChoice } from "../tones";

const TYPING_MS = 4_000;
const BREATH_KEY = "F2";
/** What may bring in more than was meant to be shown. */
const PASTES = new Set(["insertFromPaste", "insertFromPasteAsQuotation", "insertFromDrop", "insertFromYank"]);
const STEPS: readonly ["off" | Level, string][] = [["off", S.off], ["rhythm", S.rhythm], ["letters", S.letters]];

export class Composer {
  readonly element: HTMLElement;
  readonly field = h("textarea", { rows: "1", "aria-label": S.write, placeholder: S.write, autocomplete: "off", dir: "auto" });
  readonly #seen = h("p", { class: "seen", role: "status" });
  readonly #breath = h("button", { type: "button", class: "breath", "aria-keyshortcuts": BREATH_KEY, hidden: true,
    click: () => this.#breathe(!this.live.holds.has("breath")) }, S.breath(BREATH_KEY));
  readonly #guard = h("p", { class: "guard", role: "status", hidden: true }, S.pasted,
    h("button", { type: "button", click: () => this.#confirm() }, S.showPaste), h("button", { type: "button", click: () => this.#takeOut() }, S.takeOut));
  readonly #problem = h("p", { class: "problem", role: "alert" });
  readonly #tone = toneChoice();
  readonly #dimmer: HTMLFieldSetElement;
  readonly #key: string;
  #typedAt = 0;
  /** What stood in the field before a paste that isn't confirmed, and after it. */
  #paste: { before: string; after: string } | null = null;

  constructor(
    private readonly conversation: Conversation,
    private readonly live: LiveText,
    private readonly post: (message: string, text: string, tone: string) => void,
    private readonly say: (frame: ClientFrame) => void,
  ) {
    this.#key = `draft:${conversation.me}:${conversation.id}`;
    this.#dimmer = h("fieldset", { class: "dimmer", hidden: true }, h("legend", {}, S.dimmer), ...STEPS.map(([value, label]) =>
      h("label", {}, h("input", { type: "radio", name: "dimmer", value, change: () => void this.#turn(value) }), h("span", {}, label))), this.#breath);
    this.element = h("form", { class: "composer", submit: (event) => { event.preventDefault(); this.#send(); } },
      this.#seen, this.#dimmer, this.#guard, this.#problem, h("div", { class: "line" }, this.field, this.#tone, h("button", { type: "submit", class: "primary" }, S.send)));
    this.field.value = sessionStorage.getItem(this.#key) ?? "";
    this.field.addEventListener("beforeinput", (event) => this.#guardPaste(event));
    this.field.addEventListener("input", () => this.#typed());
    this.field.addEventListener("keydown", (event) => this.#keydown(event));
    this.element.addEventListener("keydown", (event) => { if (event.key === BREATH_KEY && !event.repeat && this.live.level) this.#breathe(true); });
    this.element.addEventListener("keyup", (event) => { if (event.key === BREATH_KEY) this.#breathe(false); });
    this.live.typed(this.field.value);
  }

  update(): void {
    const granted = this.conversation.consent("live_text")?.state === "granted";
    this.#dimmer.hidden = !granted;
    const level = granted ? this.live.level : null;
    for (const input of this.#dimmer.querySelectorAll("input")) input.checked = input.value === (level ?? "off");
    const name = this.conversation.other?.display_name ?? "";
    const breath = this.live.holds.has("breath"), paste = this.live.holds.has("paste");
    const line = level === null ? "" : this.live.suspended ? S.suspended : breath ? S.breathing(name) : paste ? S.keptBack(name)
      : level === "letters" ? S.seeLetters(name) : S.seeRhythm(name);
    text(this.#seen, line);
    this.#breath.hidden = level === null;
    this.#breath.setAttribute("aria-pressed", String(breath));
    this.#guard.hidden = level === null || !paste;
    this.element.classList.toggle("live", level !== null && !this.live.suspended && !breath && !paste);
  }

  #breathe(hold: boolean): void {
    if (hold === this.live.holds.has("breath")) return;
    if (hold) { this.live.hold("breath"); this.#quiet(); } else this.live.release("breath");
    this.update();
  }

  #guardPaste(event: InputEvent): void {
    if (this.live.level !== "letters" || !PASTES.has(event.inputType)) return;
    this.#paste = { before: this.#paste?.before ?? this.field.value, after: "" };
    this.live.hold("paste");
    this.update();
  }

  #confirm(): void {
    this.#paste = null;
    this.live.release("paste");
    this.update();
    this.field.focus();
  }

  /** The field as it was before; what was written behind the paste since then stays. */
  #takeOut(): void {
    if (!this.#paste) return;
    const { before, after } = this.#paste, { value } = this.field;
    this.field.value = value.startsWith(after) ? before + value.slice(after.length) : before;
    this.#paste = null;
    this.#typed();
    this.#confirm();
  }

  async #turn(value: "off" | Level): Promise<void> {
    try {
      this.live.typed(this.field.value);
      await this.live.turn(value === "off" ? null : value);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
    this.update();
  }

  /** Put a text behind what stands there, as if it had been typed. */
  use(body: string): void {
    this.field.value = [this.field.value, body].filter(Boolean).join(" ");
    this.#typed();
    this.field.focus();
  }

  #typed(): void {
    this.#grow();
    text(this.#problem, "");
    const { value } = this.field;
    if (this.#paste && !this.#paste.after) this.#paste.after = value;
    else if (this.#paste && (value === this.#paste.before || !value)) this.#confirm(); // it isn't there any more
    if (value) sessionStorage.setItem(this.#key, value); else sessionStorage.removeItem(this.#key);
    this.live.typed(value, this.field.selectionEnd);
    const now = Date.now();
    if (this.live.level) return; // the draft itself says so, or it is held back
    if (value && now - this.#typedAt > TYPING_MS) { this.#typedAt = now; this.say({ type: "typing", conversation: this.conversation.id, on: true }); }
    if (!value) this.#quiet();
  }

  #quiet(): void {
    if (this.#typedAt) { this.#typedAt = 0; this.say({ type: "typing", conversation: this.conversation.id, on: false }); }
  }

  #keydown(event: KeyboardEvent): void {
    if (event.isComposing) return; // an input method is still at work
    if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); this.#send(); }
    if (event.key === "Escape" && this.field.value) { this.live.cancel(); this.#empty(); }
  }

  #send(): void {
    const body = sendable(this.field.value).trim();
    if (!body) return;
    const over = length(body) - TEXT_MOST;
    text(this.#problem, over > 0 ? S.tooLong(over) : "");
    if (over > 0) return;
    this.live.flush();
    this.post(this.live.draft, body, this.#tone.value);
    this.live.next();
    this.#empty();
  }

  #empty(): void {
    this.#paste = null;
    this.field.value = "";
    this.#tone.value = "";
    sessionStorage.removeItem(this.#key);
    this.#quiet();
    this.#grow();
    this.update();
    this.field.focus();
  }

  #grow(): void {
    this.field.rows = Math.min(8, Math.max(1, this.field.value.split("\n").length));
  }
}
