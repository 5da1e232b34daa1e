/** Compositions: one of them in a dialog with what may be done with it, and a list of all that were kept. */

import type { Conversation } from "../conversation";
import { dialog, fill, h, text } from "../dom";
import { Refused, type ClientFrame, type Composition, type Ok, type Op } from "../protocol";
import { S } from "../strings";
import { Player } from "./player";

type Ask = (frame: ClientFrame) => Promise<Ok>;
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function sentence(error: unknown): string {
  if (!(error instanceof Refused)) return S.failed;
  if (error.code === "not_found") return S.notKept;
  return error.code === "lost" || error.code === "unavailable" ? S.offline : S.failed;
}

export class Compositions {
  constructor(private readonly conversation: Conversation, private readonly ask: Ask, private readonly marks: boolean) {}

  /** Show how a draft was written. */
  async open(draft: string): Promise<void> {
    try {
      this.#show(await this.#read(draft));
    } catch (error) { this.#tell(sentence(error)); }
  }

  /** All that was kept of both: to be played, and one's own to be let go. */
  async list(): Promise<void> {
    const list = h("ul", { class: "notes" });
    const status = h("p", { class: "meta", role: "status" });
    const load = async (): Promise<void> => {
      const { compositions = [] } = await this.ask({ type: "composition.list", conversation: this.conversation.id, limit: 200 });
      fill(list, ...compositions.map((one) => h("li", {},
        h("button", { type: "button", class: "quiet", click: () => void this.open(one.draft) },
          `${moment.format(new Date(one.begun_at))}, ${this.#name(one.author)}${one.message_sent ? "" : `, ${S.neverSent}`}`))));
      text(status, compositions.length ? "" : S.nothingKept);
    };
    const shown = dialog(S.kept, h("h2", {}, S.kept), list, status, h("div", { class: "actions" },
      h("button", { type: "button", click: () => void this.letAllGo().then(load).catch((e: unknown) => text(status, sentence(e))) }, S.letAllGo),
      h("button", { type: "button", click: () => shown.close() }, S.close)));
    await load().catch((error: unknown) => text(status, sentence(error)));
  }

  /** Destroy all of one's own. Rejects with `Refused`. */
  async letAllGo(): Promise<void> {
    await this.ask({ type: "composition.delete", conversation: this.conversation.id, all: true });
  }

  async #read(draft: string): Promise<Composition> {
    const ops: Op[] = [];
    for (;;) {
      const ok = await this.ask({ type: "composition.get", conversation: this.conversation.id, draft, after_op: ops.length });
      if (!ok.composition) throw new Refused("not_found");
      ops.push(...ok.composition.ops);
      if (!ok.more || !ok.composition.ops.length) return { ...ok.composition, ops };
    }
  }

  #name(author: string): string {
    return author === this.conversation.me ? S.me : this.conversation.people.get(author)?.display_name ?? "";
  }

  #show(found: Composition): void {
    const mine = found.author === this.conversation.me;
    const other = this.conversation.other?.display_name ?? "";
    const player = new Player(found.ops);
    const status = h("p", { class: "meta", role: "status" }, mine ? found.opened ? S.opened(other) : S.shownOnly(other) : "");
    const act = async (frame: ClientFrame, done: () => void): Promise<void> => {
      try { await this.ask({ conversation: this.conversation.id, draft: found.draft, ...frame }); done(); }
      catch (error) { text(status, sentence(error)); }
    };
    const share = h("button", { type: "button", hidden: found.opened, click: () => void act({ type: "composition.open" }, () => {
      share.hidden = true;
      text(status, S.opened(other));
    }) }, S.openTo(other));
    const shown = dialog(S.composition, h("h2", {}, `${S.composition}: ${this.#name(found.author)}`), player.element, status,
      this.marks ? this.#marks(found, player, act) : null,
      h("div", { class: "actions" },
        mine && h("button", { type: "button", click: () => void act({ type: "composition.delete" }, () => shown.close()) }, S.letGo),
        mine && share,
        h("button", { type: "button", click: () => shown.close() }, S.close)));
    shown.addEventListener("close", () => player.stop());
  }

  /** The therapist's own marks of unsaid moments. */
  #marks(found: Composition, player: Player, act: (frame: ClientFrame, done: () => void) => Promise<void>): HTMLElement {
    const list = h("ul", { class: "notes" }, ...found.marks.map((mark) => h("li", {}, mark.text)));
    const field = h("input", { type: "text", "aria-label": S.markText, placeholder: S.markText });
    const save = (): void => {
      const body = field.value.trim();
      if (!body) return;
      void act({ type: "composition.mark", mark: crypto.randomUUID(), at_op: player.at, text: body }, () => {
        list.append(h("li", {}, body));
        field.value = "";
      });
    };
    return h("div", { class: "marks" }, list, h("div", { class: "line" }, field, h("button", { type: "button", click: save }, S.mark)));
  }

  #tell(message: string): void {
    const shown = dialog(message, h("p", {}, message),
      h("div", { class: "actions" }, h("button", { type: "button", class: "primary", click: () => shown.close() }, S.close)));
  }
}
