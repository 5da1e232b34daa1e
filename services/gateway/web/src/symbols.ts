/** The emoji of a conversation: reactions to messages, and the pair's lexicon, as frames tell of them. */

export interface Wording { revision: number; from: string; meaning: string; at: string; agreed_at?: string }
export type SymbolState = "proposed" | "agreed" | "revised" | "retired";
export interface Sign {
  symbol: string; emoji: string; state: SymbolState; meaning: Wording; proposed?: Wording; retired_at?: string;
}
export interface Use { n: number; at: string; from: string; message: string; seq: number; how: "message" | "reaction"; session: string | null }

export interface Reaction { from: string; emoji: string; n: number; on: boolean }

interface Happened { conversation: string; n: number; record: string; from: string; at: string }
export type SymbolFrame = Happened & (
  | { type: "reaction.added" | "reaction.removed" | "symbol.used"; message: string; deleted: true } // the message is no more
  | { type: "reaction.added" | "reaction.removed"; message: string; emoji: string }
  | { type: "symbol.defined"; symbol: string; revision: number; emoji: string; meaning: string }
  | { type: "symbol.revised"; symbol: string; revision: number; meaning: string }
  | { type: "symbol.agreed"; symbol: string; revision: number }
  | { type: "symbol.retired"; symbol: string }
  | { type: "symbol.used"; symbol: string; message: string; how: "message" | "reaction" });

/** What one may do with a symbol now. */
export type Act = "agree" | "revise" | "retire";

/** The same emoji whatever its skin tone and presentation: enough to tell one's own reactions apart. */
export function plain(emoji: string): string {
  return emoji.replace(/[\ufe0e\ufe0f]|[\u{1f3fb}-\u{1f3ff}]/gu, "");
}

export class Lexicon {
  #signs = new Map<string, Sign>();
  /** By message, person and emoji: the last that was said of it, in whatever order it came. */
  #reactions = new Map<string, Map<string, Reaction>>();
  #used = new Map<string, Set<string>>();

  /** In the order in which they were defined; those that are in use first. */
  get signs(): Sign[] {
    const all = [...this.#signs.values()];
    return [...all.filter((s) => s.state !== "retired"), ...all.filter((s) => s.state === "retired")];
  }
  reactions(message: string): Reaction[] {
    return [...this.#reactions.get(message)?.values() ?? []].filter((r) => r.on).sort((a, b) => a.n - b.n);
  }
  /** The symbols used in a message, with what they mean. */
  usedIn(message: string): Sign[] {
    return [...this.#used.get(message) ?? []].flatMap((id) => this.#signs.get(id) ?? []);
  }

  /** What `symbol.list` says is newer than anything taken before. */
  load(signs: readonly Sign[]): void {
    for (const sign of signs) this.#signs.set(sign.symbol, sign);
  }

  /** A message was taken back: nothing says any more which emoji it had, or was answered with. */
  forget(message: string): void {
    this.#reactions.delete(message);
    this.#used.delete(message);
  }

  take(frame: SymbolFrame): void {
    if ("deleted" in frame) return;
    switch (frame.type) {
      case "reaction.added":
      case "reaction.removed": {
        const those = this.#reactions.get(frame.message) ?? new Map<string, Reaction>();
        this.#reactions.set(frame.message, those);
        const key = `${frame.from} ${plain(frame.emoji)}`;
        if ((those.get(key)?.n ?? 0) < frame.n) those.set(key, { from: frame.from, emoji: frame.emoji, n: frame.n, on: frame.type === "reaction.added" });
        break;
      }
      case "symbol.used":
        this.#used.set(frame.message, (this.#used.get(frame.message) ?? new Set()).add(frame.symbol));
        break;
      default:
        this.#lexicon(frame);
    }
  }

  #lexicon(frame: Extract<SymbolFrame, { type: `symbol.${"defined" | "revised" | "agreed" | "retired"}` }>): void {
    if (frame.type === "symbol.defined") {
      if (this.#signs.has(frame.symbol)) return; // the list had it already
      const meaning = { revision: frame.revision, from: frame.from, meaning: frame.meaning, at: frame.at };
      this.#signs.set(frame.symbol, { symbol: frame.symbol, emoji: frame.emoji, state: "proposed", meaning });
      return;
    }
    const sign = this.#signs.get(frame.symbol);
    if (!sign || sign.state === "retired") return; // an old record, perhaps: what ended stays ended
    if (frame.type === "symbol.retired") { sign.state = "retired"; sign.retired_at = frame.at; return; }
    const newest = sign.proposed ?? sign.meaning;
    if (frame.type === "symbol.agreed") {
      if (frame.revision !== newest.revision) return;
      sign.meaning = { ...newest, agreed_at: frame.at };
      sign.state = "agreed";
      delete sign.proposed;
    } else if (frame.revision > newest.revision) {
      const wording = { revision: frame.revision, from: frame.from, meaning: frame.meaning, at: frame.at };
      if (sign.state === "proposed") sign.meaning = wording;
      else { sign.proposed = wording; sign.state = "revised"; }
    }
  }
}

/** What `me` may do with a symbol, by the same rules as the platform's. */
export function acts(sign: Sign, me: string): Act[] {
  const newest = sign.proposed ?? sign.meaning, mine = newest.from === me;
  switch (sign.state) {
    case "proposed": return mine ? ["revise", "retire"] : ["agree"];
    case "agreed": return ["revise", "retire"];
    case "revised": return mine ? ["revise", "retire"] : ["agree", "retire"];
    case "retired": return [];
  }
}
