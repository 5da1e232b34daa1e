/** The page that checks receipts: one file, which works from a disk and asks no server. */

import { fill, h } from "./dom";
import { Unproved, check, read, type Proved } from "./proof";

const key = h("textarea", { id: "key", rows: "3", cols: "60", spellcheck: "false" });
const file = h("input", { id: "file", type: "file", accept: ".json,.html" });
const result = h("p", { role: "status" });
const proved = h("section", { "aria-label": "What is proved" });
const TOLD: readonly [string, string][] = [["decision", "Decision"], ["purpose", "What it is about"], ["at", "When"], ["expires_at", "Valid until"],
  ["decided_at", "Decided, as the clinic or service says"], ["participant", "Person"], ["conversation", "Conversation"], ["version", "Form version"], ["id", "Number"]];

/** Made from the log's entry, so that it can't differ from it as what a file shows by itself can. */
function show({ entry, text }: Proved): void {
  const by = entry["by"] as { capacity: string; person: string } | undefined;
  const rows = TOLD.filter(([name]) => entry[name] !== undefined).map(([name, label]) => [label, String(entry[name])] as const);
  fill(proved, h("h2", {}, "What is proved, and nothing else"),
    h("dl", {}, ...[...rows, ...(by ? [["Decided by", `${by.capacity} ${by.person}`] as const] : [])].flatMap(([label, value]) => [h("dt", {}, label), h("dd", {}, value)])),
    text === null ? null : h("pre", {}, text));
}

async function run(): Promise<void> {
  const chosen = file.files?.[0];
  if (!chosen) return;
  result.className = "";
  fill(proved);
  try {
    const receipt = read(await chosen.text());
    const given = key.value.trim();
    show(await check(receipt, given || receipt.key));
    result.className = "good";
    result.textContent = given
      ? "Proved: the decision below is in the consent log. What the file shows by itself wasn’t looked at."
      : `It fits the key inside it. Whose key that is it can't say: compare it with the one you were given. ${receipt.key}`;
  } catch (error) {
    result.className = "bad";
    result.textContent = error instanceof Unproved ? `Not proved. ${error.message}` : "Not proved: this browser can't check it, or the file is damaged.";
  }
}

file.addEventListener("change", () => void run());
key.addEventListener("input", () => void run());
document.querySelector("main")?.append(
  h("label", { for: "key" }, "The public key of your clinic or service"), key,
  h("label", { for: "file" }, "The receipt"), file, result, proved);
