/** The balance of stage time, for both; for the therapist also what messages were meant to do, and prompts on offer. */

import type { Conversation } from "../conversation";
import { dialog, fill, h, text } from "../dom";
import { sentence, type Ask, type Happened, type PageFeature } from "../features";
import { BANDS, INTERVENTIONS, percents, span, type Figures, type Intervention, type Prompt, type Ratios, type SessionFigures } from "../pacing";
import type { About, Message } from "../protocol";
import { S } from "../strings";
import { words } from "../words";

const W = words({
  balance: "Balance", told: (mine: number, name: string, theirs: number) => `Balance of words: you ${mine} %, ${name} ${theirs} %`,
  you: "You", words: "Words", share: "Share of words", messages: "Messages", turns: "Turns", longest: "Longest turn, in words", reply: "Usual time to reply",
  units: ["s", "min", "h"] as const, session: "This session", whole: "The whole conversation", sessions: "By session", none: "–",
  why: "It is only shown to you two, and nothing depends on it.",
  ratios: { reflections_to_questions: "Reflections to questions", open_to_all_questions: "Open to all questions", complex_to_all_reflections: "Complex to all reflections" },
  band: (fair: string, good: string) => `MITI, for reference: fair from ${fair}, good from ${good}`,
  mute: "Offer me no prompts in this conversation", prompts: "Prompts", offered: "You have said much of the last words. Some questions, if you like:", dismiss: "Not now",
  remove: "Delete for both", sure: "Delete for good?", meant: "What it was meant to do",
  kinds: {
    open_question: "Open question", closed_question: "Closed question", socratic_question: "Socratic question", simple_reflection: "Simple reflection",
    complex_reflection: "Complex reflection", affirmation: "Affirmation", psychoeducation: "Psychoeducation", information: "Information", advice: "Advice",
    self_disclosure: "Self-disclosure", exercise: "Exercise", check_in: "Check-in", other: "Other",
  } as Record<Intervention, string>,
  bad: { wrong_state: "It was deleted in the meantime." } as Record<string, string>,
}, {
  balance: "Équilibre", told: (mine: number, name: string, theirs: number) => `Équilibre des mots : vous ${mine} %, ${name} ${theirs} %`,
  you: "Vous", words: "Mots", share: "Part des mots", messages: "Messages", turns: "Tours de parole", longest: "Tour le plus long, en mots", reply: "Délai de réponse habituel",
  units: ["s", "min", "h"] as const, session: "Cette séance", whole: "Toute la conversation", sessions: "Par séance", none: "–",
  why: "Vous deux seuls le voyez, et rien n’en dépend.",
  ratios: { reflections_to_questions: "Reflets pour une question", open_to_all_questions: "Questions ouvertes, parmi toutes", complex_to_all_reflections: "Reflets complexes, parmi tous" },
  band: (fair: string, good: string) => `MITI, pour repère : correct dès ${fair}, bon dès ${good}`,
  mute: "Ne me proposer aucune question dans cette conversation", prompts: "Questions", offered: "Vous avez beaucoup parlé ces derniers temps. Quelques questions, si vous voulez :", dismiss: "Pas maintenant",
  remove: "Supprimer pour les deux", sure: "Supprimer définitivement ?", meant: "À quoi cela devait servir",
  kinds: {
    open_question: "Question ouverte", closed_question: "Question fermée", socratic_question: "Question socratique", simple_reflection: "Reflet simple",
    complex_reflection: "Reflet complexe", affirmation: "Valorisation", psychoeducation: "Psychoéducation", information: "Information", advice: "Conseil",
    self_disclosure: "Révélation de soi", exercise: "Exercice", check_in: "Prise de nouvelles", other: "Autre",
  },
  bad: { wrong_state: "Il a été supprimé entre-temps." },
});

export class PacingView implements PageFeature {
  readonly #mine = h("span", { class: "mine" });
  readonly #bar = h("button", { type: "button", class: "balance", click: () => this.#open() }, h("span", { class: "bar", "aria-hidden": "true" }, this.#mine), W.balance);
  readonly #offered = h("button", { type: "button", class: "quiet", hidden: true, click: () => this.#offer() }, W.prompts);
  readonly buttons = [];
  readonly first: readonly HTMLElement[];
  #figures: Figures | null = null;
  #running: SessionFigures | null = null;
  #prompts: readonly Prompt[] = [];
  #muted = false;
  readonly #marks = new Map<string, Intervention>();
  readonly #beneath = new Map<string, HTMLElement>();
  readonly #actions = new Map<string, HTMLElement[]>();

  constructor(private readonly conversation: Conversation, private readonly ask: Ask, private readonly therapist: boolean, private readonly use: (body: string) => void) {
    this.first = therapist ? [this.#bar, this.#offered] : [this.#bar];
    this.#update();
  }

  async arrived(): Promise<void> {
    const ok = await this.ask({ type: "pacing.get", conversation: this.conversation.id });
    if (ok.participants && ok.ratios) this.#figures = { participants: ok.participants, ratios: ok.ratios };
    this.#muted = ok.muted ?? false;
    this.#update();
  }

  take(frame: About): void {
    if (frame.type === "pacing.updated") { this.#figures = frame; this.#running = frame.running; this.#update(); }
    else if (frame.type === "session.ended") this.#running = null;
    else if (frame.type === "pacing.offer") { this.#prompts = frame.prompts; this.#offered.hidden = false; }
    else if (frame.type === "message.marked") this.#marked(frame.message, frame.intervention);
    else if (frame.type === "message.deleted") this.#deleted(frame.message);
  }

  recall(_: Happened): void { /* history says how a message is marked now */ }

  /** What it was meant to do is the therapist's own view of it. */
  beneath(message: Message): HTMLElement {
    const element = h("p", { class: "meta meant" });
    this.#beneath.set(message.message, element);
    if (message.intervention) this.#marks.set(message.message, message.intervention);
    this.#label(message.message);
    return element;
  }

  actions(message: Message): HTMLElement[] {
    if (message.from !== this.conversation.me || message.deleted) return [];
    const status = h("span", { class: "problem", role: "alert" });
    const act = async (type: string, more: Record<string, unknown>): Promise<void> => {
      text(status, "");
      try {
        await this.ask({ type, conversation: this.conversation.id, record: crypto.randomUUID(), message: message.message, ...more });
      } catch (error) { text(status, sentence(error, W.bad)); }
    };
    let sure = false;
    const remove = h("button", { type: "button", click: () => {
      if (sure) void act("message.delete", {});
      sure = true;
      text(remove, W.sure);
    } }, W.remove);
    const actions = [...(this.therapist ? [this.#kinds(message.message, (intervention) => void act("message.mark", { intervention }))] : []), remove, status];
    this.#actions.set(message.message, actions);
    return actions;
  }

  #deleted(message: string): void {
    this.#marks.delete(message);
    this.#label(message);
    for (const action of this.#actions.get(message) ?? []) action.remove();
  }

  #kinds(message: string, choose: (intervention: Intervention) => void): HTMLElement {
    const chosen = this.#marks.get(message);
    const list = h("select", { "aria-label": W.meant, change: () => { if (list.value) choose(list.value as Intervention); } },
      h("option", { value: "" }, W.meant), ...INTERVENTIONS.map((kind) => h("option", { value: kind, selected: kind === chosen }, W.kinds[kind])));
    return list;
  }

  #marked(message: string, intervention: Intervention): void {
    this.#marks.set(message, intervention);
    this.#label(message);
  }

  #label(message: string): void {
    const element = this.#beneath.get(message), mark = this.#marks.get(message);
    if (element) text(element, this.therapist && mark ? W.kinds[mark] : "");
  }

  #name(): string { return this.conversation.other?.display_name ?? ""; }

  #update(): void {
    const [mine, theirs] = this.#figures ? percents(this.#figures, this.conversation.me) : [50, 50];
    this.#mine.style.inlineSize = `${mine}%`;
    this.#bar.setAttribute("aria-label", W.told(mine, this.#name(), theirs));
  }

  #open(): void {
    const body = h("div", { class: "pacing" }), sessions = h("ul", { class: "sessions" });
    const show = (): void => {
      fill(body, ...(this.#running ? [h("h3", {}, W.session), this.#table(this.#running)] : []),
        ...(this.#figures ? [h("h3", {}, W.whole), this.#table(this.#figures), this.therapist ? this.#ratios(this.#figures.ratios) : null] : []));
    };
    show();
    const mute = h("input", { type: "checkbox", change: () => void this.#mute(mute) });
    mute.checked = this.#muted;
    const shown = dialog(W.balance, h("h2", {}, W.balance), h("p", { class: "meta" }, W.why), body, h("h3", {}, W.sessions), sessions,
      this.therapist ? h("label", {}, mute, W.mute) : null,
      h("div", { class: "actions" }, h("button", { type: "button", click: () => shown.close() }, S.close)));
    void this.arrived().then(show).catch(() => undefined);
    void this.#series(sessions).catch(() => undefined);
  }

  #table(figures: Figures): HTMLElement {
    const { me, other } = this.conversation;
    const [mine, theirs] = percents(figures, me), own = figures.participants[me], its = figures.participants[other?.id ?? ""];
    const reply = (seconds: number | null | undefined): string => seconds === null || seconds === undefined ? W.none : span(seconds, W.units);
    const rows: [string, string, string][] = [
      [W.share, `${mine} %`, `${theirs} %`], [W.words, `${own?.words ?? 0}`, `${its?.words ?? 0}`], [W.messages, `${own?.messages ?? 0}`, `${its?.messages ?? 0}`],
      [W.turns, `${own?.turns ?? 0}`, `${its?.turns ?? 0}`], [W.longest, `${own?.longest_run ?? 0}`, `${its?.longest_run ?? 0}`],
      [W.reply, reply(own?.median_reply_s), reply(its?.median_reply_s)],
    ];
    return h("table", {}, h("thead", {}, h("tr", {}, h("td"), h("th", { scope: "col" }, W.you), h("th", { scope: "col" }, this.#name()))),
      h("tbody", {}, ...rows.map(([name, a, b]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, a), h("td", {}, b)))));
  }

  #ratios(ratios: Ratios): HTMLElement {
    const told = (value: number | null): string => value === null ? W.none : value.toFixed(2);
    return h("dl", { class: "ratios" }, ...(Object.keys(W.ratios) as (keyof Ratios)[]).flatMap((key) => {
      const band = BANDS[key];
      return [h("dt", {}, W.ratios[key]), h("dd", {}, told(ratios[key]), band ? h("span", { class: "meta" }, ` ${W.band(`${band[0]}`, `${band[1]}`)}`) : null)];
    }));
  }

  async #series(list: HTMLElement): Promise<void> {
    const ok = await this.ask({ type: "pacing.series", conversation: this.conversation.id, limit: 20 }) as unknown as { sessions?: SessionFigures[] };
    fill(list, ...(ok.sessions ?? []).map((one) => {
      const [mine, theirs] = percents(one, this.conversation.me), bar = h("span", { class: "mine" });
      bar.style.inlineSize = `${mine}%`;
      return h("li", {}, h("time", { datetime: one.started_at }, new Date(one.started_at).toLocaleDateString()),
        h("span", { class: "bar", "aria-hidden": "true" }, bar), h("span", {}, W.told(mine, this.#name(), theirs)));
    }));
  }

  async #mute(box: HTMLInputElement): Promise<void> {
    try {
      await this.ask({ type: "pacing.mute", conversation: this.conversation.id, muted: box.checked });
      this.#muted = box.checked;
      if (this.#muted) this.#offered.hidden = true;
    } catch { box.checked = this.#muted; }
  }

  #offer(): void {
    const take = (prompt: Prompt | null): void => {
      this.#offered.hidden = true;
      shown.close();
      if (prompt) this.use(prompt.text);
    };
    const shown = dialog(W.prompts, h("h2", {}, W.prompts), h("p", {}, W.offered),
      h("ul", { class: "prompts" }, ...this.#prompts.map((prompt) => h("li", {}, h("button", { type: "button", class: "quiet", click: () => take(prompt) }, prompt.text)))),
      h("div", { class: "actions" }, h("button", { type: "button", click: () => take(null) }, W.dismiss)));
  }
}
