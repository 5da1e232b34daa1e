/** The messages, and what the other is writing. */

import type { Conversation } from "../conversation";
import { fill, h, text } from "../dom";
import type { Waiting } from "../outbox";
import type { Message } from "../protocol";
import { S } from "../strings";
import { toneWord } from "../tones";
import type { Piece } from "../written";

const NEAR_PX = 80;
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

export class Log {
  readonly element = h("section", { class: "log" });
  readonly #earlier: HTMLButtonElement;
  readonly #list = h("ol", { role: "log", "aria-live": "polite", "aria-label": S.messages });
  readonly #waiting = h("ol", { class: "waiting" });
  readonly #drafts = h("div", { class: "drafts", "aria-live": "off" });
  readonly #still = matchMedia("(prefers-reduced-motion: reduce)");
  #playing: number | undefined;
  #atEnd = true;
  #size = "";
  #shown = new Map<number, HTMLLIElement>();

  constructor(private readonly conversation: Conversation, onEarlier: () => void, private readonly onWritten: (draft: string) => void,
    private readonly beneath: (message: Message) => HTMLElement[] = () => []) {
    this.#earlier = h("button", { type: "button", class: "quiet", hidden: true, click: onEarlier }, S.earlier);
    this.element.append(this.#earlier, this.#list, this.#waiting, this.#drafts);
    // A keyboard that slides in, or a composer that grows, must not cover what one was reading at the end.
    this.element.addEventListener("scroll", () => { this.#atEnd = this.#nearEnd(); });
    new ResizeObserver(() => {
      if (this.#atEnd) this.element.scrollTop = this.element.scrollHeight;
      this.#size = this.#sizeNow();
    }).observe(this.element);
  }

  update(waiting: readonly Waiting[], more: boolean): void {
    const atEnd = this.#nearEnd();
    const fromEnd = this.element.scrollHeight - this.element.scrollTop;
    const first = this.#shown.size === 0;
    this.#earlier.hidden = !more;
    const added = this.#messages();
    this.#mark();
    fill(this.#waiting, ...waiting.map((w) => this.#item("own", w.text, "", w.problem ? S.problem[w.problem] ?? S.notSent : S.sending)));
    this.#draftsNow();
    if (atEnd || first) this.element.scrollTop = this.element.scrollHeight;
    else if (added) this.element.scrollTop = this.element.scrollHeight - fromEnd; // earlier ones came: stay where one reads
  }

  /** Of another size than when it was last looked after, it is where it was before: its position says nothing then. */
  #nearEnd(): boolean {
    if (this.#sizeNow() !== this.#size) return this.#atEnd;
    return this.element.scrollHeight - this.element.scrollTop - this.element.clientHeight < NEAR_PX;
  }

  #sizeNow(): string { return `${String(this.element.clientWidth)} ${String(this.element.clientHeight)}`; }

  /** Put what is new in its place; returns whether something came above what was there. */
  #messages(): boolean {
    const ordered = this.conversation.ordered;
    if (ordered.length < this.#shown.size) { this.#shown.clear(); this.#list.replaceChildren(); }
    let above = false, previous: Message | undefined, at: Element | null = null;
    for (const message of ordered) {
      let item = this.#shown.get(message.seq);
      if (!item) {
        item = this.#item(message.from === this.conversation.me ? "own" : "other", message.text, message.at, "", message.message);
        if (message.tone) item.querySelector(".meta")?.append(h("span", { class: "tone" }, toneWord(message.tone)));
        item.append(...this.beneath(message));
        item.dataset["seq"] = String(message.seq);
        const date = day.format(new Date(message.at));
        if (!previous || day.format(new Date(previous.at)) !== date) item.prepend(h("p", { class: "day" }, date));
        above ||= this.#shown.size > 0 && message.seq < Math.max(...this.#shown.keys());
        this.#shown.set(message.seq, item);
        if (at) at.after(item); else this.#list.prepend(item);
      }
      at = item;
      previous = message;
    }
    return above;
  }

  #item(whose: string, body: string, at: string, state: string, id = ""): HTMLLIElement {
    return h("li", { class: whose },
      h("p", { class: "bubble", dir: "auto" }, body),
      h("p", { class: "meta" }, at ? h("time", { datetime: at }, clock.format(new Date(at))) : null, h("span", { class: "state" }, state),
        id ? h("button", { type: "button", class: "quiet written", hidden: true, click: () => this.onWritten(id) }, S.composition) : null));
  }

  #mark(): void {
    const { other, me } = this.conversation;
    const read = other ? this.conversation.reads[other.id] ?? 0 : 0;
    for (const message of this.conversation.messages.values()) {
      const written = this.#shown.get(message.seq)?.querySelector<HTMLElement>(".written");
      if (message.deleted) this.#takenBack(message.seq);
      if (written) written.hidden = message.deleted || !this.conversation.consents[message.from]?.composition_replay; // nothing of it in sight before it was ever agreed to
      if (message.from !== me) continue;
      const state = this.#shown.get(message.seq)?.querySelector(".state");
      if (state) text(state, message.seq <= read ? `✓ ${S.read}` : `✓ ${S.stored}`);
    }
  }

  #takenBack(seq: number): void {
    const bubble = this.#shown.get(seq)?.querySelector(".bubble");
    if (!bubble || bubble.classList.contains("deleted")) return;
    bubble.classList.add("deleted");
    text(bubble, S.deleted);
    // Nothing more is to be seen of it, nor done with it.
    this.#shown.get(seq)?.querySelectorAll(".tone, .reactions, :scope > [aria-expanded], .more").forEach((one) => { one.remove(); });
  }

  /** What the other is writing, at the other's pace; the whole of it at once for whom motion disturbs. */
  #draftsNow(): void {
    clearTimeout(this.#playing);
    const { other } = this.conversation;
    const drafts = [...this.conversation.drafts.values()], now = performance.now();
    let next: number | null = null;
    for (const draft of drafts) {
      if (this.#still.matches) { draft.playAll(); continue; }
      const due = draft.play(now);
      if (due !== null) next = Math.min(next ?? due, due);
    }
    const items = drafts.map((draft) => [draft, draft.halves()] as const).filter(([, halves]) => halves.some((half) => half.length))
      .map(([, [before, behind]]) => h("div", { class: "draft", role: "group", "aria-label": S.theirs(other?.display_name ?? "") },
        h("p", { class: "bubble", dir: "auto" }, ...before.map(shownPiece), h("span", { class: "caret", "aria-hidden": "true" }), ...behind.map(shownPiece))));
    const typing = other && this.conversation.typing.has(other.id) && !drafts.length;
    fill(this.#drafts, ...items, typing ? h("p", { class: "typing" }, S.typing(other.display_name)) : null);
    if (next !== null) this.#playing = setTimeout(() => {
      const atEnd = this.#nearEnd();
      this.#draftsNow();
      if (atEnd) this.element.scrollTop = this.element.scrollHeight;
    }, next) as unknown as number;
  }
}

function shownPiece(piece: Piece): Node {
  return piece.gone ? h("del", {}, piece.text) : document.createTextNode(piece.text);
}
