/** The room's menu: what is always in sight, and the rest, folded away so that the talk keeps the room. */

import { h } from "../dom";
import { S } from "../strings";

type Buttons = readonly (HTMLElement | null | false)[];

export function foldable(first: Buttons, rest: Buttons): HTMLElement {
  const toggle = h("button", { type: "button", "aria-expanded": "false", click: () => fold(nav.classList.contains("unfolded")) }, S.menu);
  const items = h("div", { class: "items", click: (event) => { if (event.target instanceof Element && event.target.closest("button")) fold(true); } }, ...rest);
  const nav = h("nav", { "aria-label": S.title }, ...first, toggle, items);
  nav.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !nav.classList.contains("unfolded")) return;
    fold(true);
    toggle.focus();
  });

  function fold(away: boolean): void {
    nav.classList.toggle("unfolded", !away);
    toggle.setAttribute("aria-expanded", String(!away));
  }
  return nav;
}
