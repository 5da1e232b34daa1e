/** All of one's own decisions, what each let through and blocked, and a receipt for each. */

import type { Conversation } from "../conversation";
import { dialog, fill, h } from "../dom";
import type { ClientFrame, Decision, Ok } from "../protocol";
import { PURPOSE, S } from "../strings";

const moment = (at: string): string => new Date(at).toLocaleString();

function save(name: string, type: string, content: string): void {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = h("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

export class Decisions {
  constructor(private readonly conversation: Conversation, private readonly ask: (frame: ClientFrame) => Promise<Ok>) {}

  async open(): Promise<void> {
    const problem = h("p", { class: "problem", role: "alert" });
    const list = h("ol", { class: "decisions" });
    const shown = dialog(S.decisions, h("h2", {}, S.decisions), list, problem,
      h("p", { class: "meta" }, h("a", { href: "/app/check.html", target: "_blank", download: "check.html" }, S.checkPage)),
      h("div", { class: "actions" }, h("button", { type: "button", click: () => shown.close() }, S.close)));
    try {
      const found: Decision[] = [];
      for (let more: boolean | undefined = true; more;) {  // from the newest page back
        const before = found[0] && { before: found[0].id };
        const page = await this.ask({ type: "consent.history", conversation: this.conversation.id, ...before });
        found.unshift(...(page.decisions ?? []));
        more = page.more && Boolean(page.decisions?.length);
      }
      fill(list, ...found.reverse().map((one) => this.#row(one, problem)));
      if (!found.length) problem.textContent = S.noDecisions;
    } catch { problem.textContent = S.failed; }
  }

  #row(one: Decision, problem: HTMLElement): HTMLElement {
    const what = one.decision === "grant" ? S.granted : S.withdrawn;
    const times = (told: string, c: Decision["blocked"]): string | null =>
      c.count ? S.counted(told, c.count, moment(c.first_at ?? one.at), moment(c.last_at ?? one.at)) : null;
    const lines = [
      one.version === undefined ? null : S.version(one.version), one.via.startsWith("system") && S.byItself,
      one.expires_at && S.until(moment(one.expires_at)), one.ended_at && S.endedAt(moment(one.ended_at)),
      times(S.letThrough, one.let_through), times(S.blocked, one.blocked),
    ].filter((line): line is string => Boolean(line));
    const take = (kind: "json" | "html") => async (): Promise<void> => {
      problem.textContent = "";
      try {
        const ok = await this.ask({ type: "consent.receipt", conversation: this.conversation.id, decision: one.id });
        if (kind === "html") save(`receipt-${one.id}.html`, "text/html", ok.html ?? "");
        else save(`receipt-${one.id}.json`, "application/json", JSON.stringify(ok.receipt, null, 1));
      } catch { problem.textContent = S.failed; }
    };
    const label = `${PURPOSE[one.purpose]}, ${moment(one.at)}`;
    return h("li", {},
      h("strong", {}, `${what}: ${PURPOSE[one.purpose]}`), h("p", { class: "meta" }, [moment(one.at), ...lines].join(" · ")),
      h("button", { type: "button", "aria-label": `${S.receipt}: ${label}`, click: () => void take("html")() }, S.receipt),
      h("button", { type: "button", "aria-label": `${S.receiptData}: ${label}`, click: () => void take("json")() }, S.receiptData));
  }
}
