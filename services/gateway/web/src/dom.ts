/** Elements, made from text and properties only: nothing here ever parses HTML. */

type Child = Node | string | null | undefined | false;

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Record<string, string | boolean | ((event: Event) => void)> = {}, ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((c): c is Node | string => c !== null && c !== undefined && c !== false));
  return element;
}

export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren(...children.filter((c): c is Node | string => c !== null && c !== undefined && c !== false));
}

/** Set text only where it changed, so that assistive technology isn't told twice. */
export function text(element: Element, value: string): void {
  if (element.textContent !== value) element.textContent = value;
}

/** A form's text: paragraphs, `## ` headings and `- ` lists. */
export function prose(source: string): HTMLElement[] {
  return source.split(/\n\s*\n/).map((block) => {
    if (block.startsWith("## ")) return h("h3", {}, block.slice(3).trim());
    const lines = block.split("\n");
    if (lines.every((line) => /^(- |\s{2,})/.test(line))) {
      const items: string[] = [];
      for (const line of lines) {
        if (line.startsWith("- ")) items.push(line.slice(2));
        else items[items.length - 1] += ` ${line.trim()}`;
      }
      return h("ul", {}, ...items.map((item) => h("li", {}, item)));
    }
    return h("p", {}, lines.join(" "));
  });
}

/** A modal dialog that closes by Esc or by `close`; the browser gives the focus back to what had it. */
export function dialog(label: string, ...children: Child[]): HTMLDialogElement {
  const element = h("dialog", { "aria-label": label }, ...children);
  element.addEventListener("close", () => element.remove());
  document.body.append(element);
  element.showModal();
  return element;
}
