/** Random writing over real Unicode, through a gateway that loses and repeats frames: what is read is what was written. */

import fc from "fast-check";
import { afterEach, beforeEach, it, expect, vi } from "vitest";
import { Conversation } from "../src/conversation";
import { apply, difference, length } from "../src/drafts";
import { LiveText } from "../src/livetext";
import { Refused, type About, type ClientFrame, type Ok, type Op } from "../src/protocol";

const OK: Ok = { type: "ok", ref: "1" };
const HARD = ["👩‍👩‍👧", "👩‍👧", "👍🏽", "👍", "🇩🇪", "🇫🇷", "🏳️‍🌈", "e\u0301", "e", "\u0301", "\u200d", "שלום", "क्षि", "한", "a", "a", " ", "\n"];
const text = fc.array(fc.oneof(fc.constantFrom(...HARD), fc.string({ unit: "grapheme", maxLength: 3 })), { maxLength: 5 }).map((parts) => parts.join(""));

type Step =
  | { do: "edit"; at: number; gone: number; added: string }
  | { do: "wait"; ms: number } | { do: "author away" } | { do: "reader away" } | { do: "hold" } | { do: "release" };
const edit = fc.record({ do: fc.constant("edit" as const), at: fc.nat(40), gone: fc.nat(6), added: text });
const wait = fc.record({ do: fc.constant("wait" as const), ms: fc.nat(400) });
const other = fc.constantFrom<Step>({ do: "author away" }, { do: "reader away" }, { do: "hold" }, { do: "release" });
const script = fc.array(fc.oneof({ weight: 8, arbitrary: edit }, { weight: 4, arbitrary: wait }, { weight: 1, arbitrary: other }), { maxLength: 40 });
/** What becomes of the frames on their way to the reader, in turn. */
const fates = fc.infiniteStream(fc.constantFrom("ok", "ok", "ok", "lost", "twice"));

/** The protocol's rules for one author's draft, as the gateway keeps them. */
class Gateway {
  on = false;
  #draft: { id: string; rev: number; text: string } | null = null;

  constructor(private readonly forward: (frame: About) => void) {}

  take(frame: ClientFrame): void {
    const { type, rev } = frame as unknown as { type: string; rev: number };
    if (type === "live.toggle") { this.on = frame["on"] === true; this.#draft = null; return; }
    if (!this.on) throw new Refused("live_off");
    const id = String(frame["draft"]);
    if (type === "live.edit") {
      const known = this.#draft?.id === id ? this.#draft : { id, rev: 0, text: "" };
      if (rev !== known.rev + 1) throw new Refused("bad_rev");
      const ops = frame["ops"] as Op[];
      for (const [, kind, at, what] of ops) if (at > 8_000 || (kind === "d" && what < 1)) throw new Refused("bad_op");
      this.#draft = { id, rev, text: apply(known.text, ops) };
    } else if (type === "live.reset") this.#draft = { id, rev, text: String(frame["text"]) };
    else this.#draft = null;
    this.forward({ ...frame, from: "author" } as unknown as About);
  }

  whole(): About | null {
    return this.#draft && { type: "live.reset", conversation: "c", draft: this.#draft.id, rev: this.#draft.rev, text: this.#draft.text, from: "author" };
  }
}

function author(gateway: Gateway): LiveText {
  const live: LiveText = new LiveText("c", {
    ask: async (frame) => { gateway.take(frame); return Promise.resolve(OK); },
    tell: (frame) => {
      try { gateway.take(frame); } catch (error) { if (error instanceof Refused) live.refused(error.code, error.details); }
    },
    now: () => Date.now(), frameBytes: () => 1_024,
  });
  return live;
}

function reader(): Conversation {
  const people = ["author", "reader"].map((id) => ({ id, role: "client" as const, display_name: id, online: true }));
  return new Conversation({ id: "c", last_seq: 0, last_n: 0, participants: people, consents: {}, reads: {}, live: {}, session: null }, "reader", () => Date.now());
}

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

it("turns any text into any other, wherever the caret is, by whole graphemes", () => {
  const graphemes = new Intl.Segmenter();
  const starts = (value: string): Set<number> => new Set([...graphemes.segment(value)].map((one) => length(value.slice(0, one.index))).concat(length(value)));
  fc.assert(fc.property(text, text, text, text, fc.nat(20), (head, tail, a, b, caret) => {
    const before = head + a + tail, after = head + b + tail;
    const ops = difference(before, after, 0, Math.min(caret, after.length));
    expect(apply(before, ops)).toBe(after);
    for (const [, kind, at, what] of ops) {
      const within = kind === "d" ? starts(before) : starts(after);
      expect(within).toContain(at);
      expect(within).toContain(at + (kind === "d" ? what : length(what)));
    }
  }), { numRuns: 2_000 });
});

it("tells a letter among its likes where it was typed", () => {
  expect(difference("aaaa", "aaaaa", 0, 2)).toEqual([[0, "i", 1, "a"]]);
  expect(difference("aaaa", "aaa", 0, 2)).toEqual([[0, "d", 2, 1]]);
});

it("shows the reader what the author wrote, within one resync", async () => {
  await fc.assert(fc.asyncProperty(script, fates, async (steps, fate) => {
    let field = "";
    let conversation = reader();
    const deliver = (frame: About): void => {
      const { value } = fate.next();
      for (let times = value === "lost" ? 0 : value === "twice" ? 2 : 1; times > 0; times -= 1) conversation.take(frame);
      resync();
    };
    const resync = (): void => {
      if (!conversation.lost.size) return;
      conversation.lost.clear();
      const whole = gateway.whole();
      if (whole) conversation.take(whole);
    };
    const gateway = new Gateway(deliver);
    const live = author(gateway);
    await live.turn("letters");
    for (const step of steps) {
      if (step.do === "edit") {
        const at = Math.min(step.at, field.length);
        field = field.slice(0, at) + step.added + field.slice(at + step.gone);
        live.typed(field, at + step.added.length);
      } else if (step.do === "wait") await vi.advanceTimersByTimeAsync(step.ms);
      else if (step.do === "hold") live.hold("breath");
      else if (step.do === "release") live.release("breath");
      else if (step.do === "reader away") {
        conversation = reader();
        const whole = gateway.whole();
        if (whole) conversation.take(whole);
      } else {
        gateway.take({ type: "live.toggle", on: false });
        conversation.drafts.clear();
        live.ended();
        await live.turn("letters");
      }
    }
    live.release("breath");
    await vi.advanceTimersByTimeAsync(1_000);
    const sent = field.replace(/\p{Surrogate}/gu, ""); // cut in half by the script
    live.typed(`${sent}.`); // one more key, for the case that the last frame is the one that was lost
    fate = { next: () => ({ value: "ok", done: false }) } as unknown as typeof fate;
    await vi.advanceTimersByTimeAsync(1_000);
    const [draft] = conversation.drafts.values();
    expect(draft?.text).toBe(`${sent}.`);
    draft?.play(Infinity);
    expect(draft?.halves().flat().filter((piece) => !piece.gone).map((piece) => piece.text).join("")).toBe(`${sent}.`);
  }), { numRuns: 300 });
});

it("never shows what never stood in the field", async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.oneof(edit, wait), { maxLength: 40 }), async (steps) => {
    const conversation = reader(), held = new Set([""]);
    let field = "";
    const gateway = new Gateway((frame) => { conversation.take(frame); });
    const live = author(gateway);
    await live.turn("letters");
    for (const step of steps) {
      if (step.do === "edit") {
        const points = [...new Intl.Segmenter().segment(field)].map((one) => one.segment);
        points.splice(step.at, step.gone, step.added);
        field = points.join("");
        held.add(field.replace(/\p{Surrogate}/gu, ""));
        live.typed(field);
        continue;
      }
      for (let ms = 0; ms < step.ms; ms += 20) {
        await vi.advanceTimersByTimeAsync(20);
        const [draft] = conversation.drafts.values();
        draft?.play(Date.now());
        expect(held).toContain(draft?.halves().flat().filter((piece) => !piece.gone).map((piece) => piece.text).join("") ?? "");
      }
    }
  }), { numRuns: 200 });
});
