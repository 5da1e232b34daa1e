/** How a message is meant, as its author marks it. The words are the protocol's; people see them in their language. */

import { h } from "./dom";
import { words } from "./words";

const TONES: Record<string, string> = words({
  affectionate: "affectionate", angry: "angry", anxious: "anxious", calm: "calm", confused: "confused", curious: "curious", firm: "firm",
  frustrated: "frustrated", gentle: "gentle", grateful: "grateful", hopeful: "hopeful", hurt: "hurt", joking: "joking", overwhelmed: "overwhelmed",
  playful: "playful", proud: "proud", relieved: "relieved", sad: "sad", serious: "serious", tired: "tired", unsure: "unsure", warm: "warm",
}, {
  affectionate: "avec tendresse", angry: "avec colère", anxious: "avec angoisse", calm: "avec calme", confused: "avec confusion", curious: "avec curiosité", firm: "avec fermeté",
  frustrated: "avec frustration", gentle: "avec douceur", grateful: "avec gratitude", hopeful: "avec espoir", hurt: "avec peine", joking: "pour rire", overwhelmed: "c’est trop",
  playful: "avec malice", proud: "avec fierté", relieved: "avec soulagement", sad: "avec tristesse", serious: "avec sérieux", tired: "avec fatigue", unsure: "avec hésitation", warm: "avec chaleur",
});
const LABEL = words("Tone", "Ton");

/** A tone as it is shown: a word of the list in the person's language, or the emoji that it is. */
export function toneWord(tone: string): string { return TONES[tone] ?? tone; }

export function toneChoice(): HTMLSelectElement {
  return h("select", { class: "tones", "aria-label": LABEL }, h("option", { value: "" }, `${LABEL}…`),
    ...Object.entries(TONES).map(([tone, word]) => h("option", { value: tone }, word)));
}
