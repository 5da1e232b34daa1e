/** The page that checks receipts: one file, which works from a disk and asks no server. */

import { h } from "./dom";
import { Unproved, check, read } from "./proof";

const key = h("textarea", { id: "key", rows: "3", cols: "60", spellcheck: "false" });
const file = h("input", { id: "file", type: "file", accept: ".json,.html" });
const result = h("p", { role: "status" });

async function run(): Promise<void> {
  const chosen = file.files?.[0];
  if (!chosen) return;
  result.className = "";
  try {
    const receipt = read(await chosen.text());
    const given = key.value.trim();
    await check(receipt, given || receipt.key);
    result.className = "good";
    result.textContent = given
      ? "Proved: this decision is in the consent log, word for word."
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
  h("label", { for: "file" }, "The receipt"), file, result);
