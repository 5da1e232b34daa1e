/** The therapist's progress notes: a list, and a field for one of them. */

import type { Conversation } from "../conversation";
import { dialog, fill, h } from "../dom";
import { Refused, type ClientFrame, type Note, type Ok } from "../protocol";
import { S } from "../strings";

export function openNotes(conversation: Conversation, ask: (frame: ClientFrame) => Promise<Ok>): void {
  const list = h("ul", { class: "notes" });
  const field = h("textarea", { rows: "8", "aria-label": S.noteText, placeholder: S.noteText });
  const status = h("p", { class: "meta", role: "status" });
  let current: { note: string; version: number } = { note: crypto.randomUUID(), version: 0 };

  const edit = (note: Note | null): void => {
    current = note ? { note: note.note, version: note.version } : { note: crypto.randomUUID(), version: 0 };
    field.value = note?.text ?? "";
    status.textContent = "";
    field.focus();
  };
  const load = async (): Promise<void> => {
    const { notes } = await ask({ type: "note.list", conversation: conversation.id });
    fill(list, ...(notes ?? []).map((note) => h("li", {}, h("button", { type: "button", class: "quiet", click: () => edit(note) },
      note.text.slice(0, 60) || S.newNote))));
  };
  const save = async (): Promise<void> => {
    try {
      const version = current.version ? { version: current.version } : {};
      const ok = await ask({ type: "note.save", conversation: conversation.id, note: current.note, format: "text", text: field.value, ...version });
      current.version = ok.version ?? current.version;
      status.textContent = S.saved(current.version);
      await load();
    } catch (error) {
      status.textContent = error instanceof Refused && error.code === "conflict" ? S.noteConflict : S.failed;
    }
  };
  const shown = dialog(S.notes, h("h2", {}, S.notes), list,
    h("button", { type: "button", class: "quiet", click: () => edit(null) }, S.newNote), field, status,
    h("div", { class: "actions" }, h("button", { type: "button", click: () => shown.close() }, S.close),
      h("button", { type: "button", class: "primary", click: () => void save() }, S.save)));
  load().catch(() => { status.textContent = S.offline; });
}
