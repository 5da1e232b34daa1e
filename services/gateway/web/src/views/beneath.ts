/** What stands beneath a message: what features show of it, and, when asked for, what can be done with it. */

import { h } from "../dom";
import type { PageFeature } from "../features";
import type { Message } from "../protocol";
import { words } from "../words";

const MORE = words("More about this message", "À propos de ce message");

export function beneath(features: readonly PageFeature[], message: Message): HTMLElement[] {
  const panel = h("div", { class: "more", hidden: true });
  const button = h("button", { type: "button", class: "quiet", "aria-expanded": "false", "aria-label": MORE, click: () => {
    if (!panel.childElementCount) panel.append(...features.flatMap((feature) => feature.actions(message)));
    panel.hidden = !panel.hidden;
    button.setAttribute("aria-expanded", String(!panel.hidden));
  } }, "⋯");
  return [...features.map((feature) => feature.beneath(message)), button, panel];
}
