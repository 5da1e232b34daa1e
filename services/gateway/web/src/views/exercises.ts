/** Exercises: what there is, what is open, and one of them step by step, for who answers and for who looks on. */

import type { Conversation } from "../conversation";
import { dialog, fill, h, text } from "../dom";
import { Runs, breath, fits, inLanguage, isExercise, said, stepOf,
  type Answer, type Answered, type Asked, type Definition, type Ratings, type Run, type Step, type Summary } from "../exercises";
import { sentence, type Ask, type Happened, type PageFeature } from "../features";
import type { About, ClientFrame, Message, Ok, Role } from "../protocol";
import { S } from "../strings";
import { words } from "../words";

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const TICK_MS = 250;

const W = words({
  language: "en", exercises: "Exercises", open: (n: number) => `Exercises: ${n} open`, going: "Open", start: "Start", none: "Nothing is open.",
  resume: "Go on", pause: "Pause", stop: "Stop", finish: "Finish", next: "Next", skip: "Leave this one out", back: "All exercises",
  state: { running: "running", paused: "paused", finished: "finished", stopped: "stopped" } as Record<Run["state"], string>,
  waits: (name: string) => `${name} is to answer.`, all: "All is answered.", so_far: "So far", onEachLine: "One on each line",
  chooseUpTo: (n: number) => `Up to ${n}`, begin: "Begin", here: "That is enough", cycle: (at: number, of: number) => `${at} of ${of}`,
  breath: { in: "Breathe in", hold: "Hold", out: "Breathe out", rest: "Rest" } as Record<string, string>, breathed: "Well done.",
  series: "Ratings over time", before: "before", after: "after", when: "when", noSeries: "No ratings yet.",
  bad: { wrong_state: "It has changed in the meantime.", bad_answer: "This answer doesn’t fit here." } as Record<string, string>,
}, {
  language: "fr", exercises: "Exercices", open: (n: number) => `Exercices : ${n} en cours`, going: "En cours", start: "Commencer", none: "Rien n’est en cours.",
  resume: "Reprendre", pause: "Pause", stop: "Arrêter", finish: "Terminer", next: "Suivant", skip: "Passer cette étape", back: "Tous les exercices",
  state: { running: "en cours", paused: "en pause", finished: "terminé", stopped: "arrêté" },
  waits: (name: string) => `C’est à ${name} de répondre.`, all: "Tout est répondu.", so_far: "Jusqu’ici", onEachLine: "Une par ligne",
  chooseUpTo: (n: number) => `Jusqu’à ${n}`, begin: "Commencer", here: "Cela suffit", cycle: (at: number, of: number) => `${at} sur ${of}`,
  breath: { in: "Inspirez", hold: "Retenez", out: "Expirez", rest: "Pause" }, breathed: "C’est bien.",
  series: "Évaluations dans le temps", before: "avant", after: "après", when: "quand", noSeries: "Pas encore d’évaluation.",
  bad: { wrong_state: "Cela a changé entre-temps.", bad_answer: "Cette réponse ne convient pas ici." },
});

interface Whole { run: Run; definition: Definition; answers: Answered[] }

export class ExercisesView implements PageFeature {
  readonly #button = h("button", { type: "button", click: () => void this.#list() }, W.exercises);
  readonly buttons = [this.#button];
  readonly #runs = new Runs();
  /** What is shown just now, to be shown anew when something happens to it. */
  #shown: { body: HTMLElement; status: HTMLElement; run: string | null } | null = null;

  constructor(private readonly conversation: Conversation, private readonly ask: Ask, private readonly role: Role) {}

  async arrived(): Promise<void> {
    this.#runs.load((await this.#ask({ type: "exercise.list", open: true, limit: 100 })).runs ?? []);
    this.#update();
  }

  take(frame: About): void {
    if (!isExercise(frame)) return;
    this.#runs.take(frame);
    this.#update();
    if (this.#shown?.run === frame.run) void this.#run(frame.run);
    else if (this.#shown && !this.#shown.run) void this.#overview();
  }

  recall(_: Happened): void { /* the list says what is open */ }
  actions(_: Message): HTMLElement[] { return []; }
  beneath(_: Message): HTMLElement { return h("div", { hidden: true }); }

  #ask(frame: ClientFrame): Promise<Ok> { return this.ask({ conversation: this.conversation.id, ...frame }); }
  #text(words: Record<string, string>): string { return inLanguage(words, W.language); }

  #update(): void {
    const { open } = this.#runs;
    text(this.#button, open.length ? W.open(open.length) : W.exercises);
    this.#button.classList.toggle("asking", open.length > 0);
  }

  async #list(): Promise<void> {
    const body = h("div", { class: "exercise" }), status = h("p", { class: "problem", role: "alert" });
    const shown = dialog(W.exercises, body, status, h("div", { class: "actions" }, h("button", { type: "button", click: () => shown.close() }, S.close)));
    shown.addEventListener("close", () => { this.#shown = null; });
    this.#shown = { body, status, run: null };
    await this.#overview();
  }

  /** Do it, and say what went wrong where it is looked at. */
  async #try(work: () => Promise<void>): Promise<void> {
    const at = this.#shown;
    if (!at) return;
    text(at.status, "");
    try { await work(); } catch (error) { text(at.status, sentence(error, W.bad)); }
  }

  #overview(): Promise<void> {
    return this.#try(async () => {
      const [open, catalog] = await Promise.all([this.#ask({ type: "exercise.list", open: true, limit: 100 }), this.#catalog()]);
      if (!this.#shown) return;
      this.#shown.run = null;
      fill(this.#shown.body, h("h2", {}, W.exercises),
        h("h3", {}, W.going), open.runs?.length ? h("ul", { class: "plain" }, ...open.runs.map((run) => h("li", {},
          h("button", { type: "button", click: () => void this.#run(run.run) }, this.#text(run.title)), ` ${W.state[run.state]}`))) : h("p", { class: "meta" }, W.none),
        h("h3", {}, W.start), h("ul", { class: "plain" }, ...catalog.map((one) => h("li", {},
          h("button", { type: "button", click: () => void this.#start(one) }, this.#text(one.title)), h("p", { class: "meta" }, this.#text(one.about)),
          h("button", { type: "button", class: "quiet", "aria-label": `${W.series}: ${this.#text(one.title)}`, click: () => void this.#series(one) }, W.series)))));
    });
  }

  async #catalog(): Promise<Summary[]> {
    const all: Summary[] = [];
    for (;;) {
      const last = all.at(-1);
      const { exercises = [], more } = await this.#ask({ type: "exercise.catalog", ...(last ? { after: last.exercise } : {}) });
      all.push(...exercises);
      if (!more || !exercises.length) return all;
    }
  }

  #start(one: Summary): Promise<void> {
    const record = crypto.randomUUID();
    return this.#try(async () => {
      await this.#ask({ type: "exercise.start", exercise: one.exercise, version: one.version, record });
      await this.#run(record);
    });
  }

  #series(one: Summary): Promise<void> {
    return this.#try(async () => {
      const { series = [] } = await this.#ask({ type: "exercise.series", exercise: one.exercise });
      if (!this.#shown) return;
      const row = (r: Ratings): HTMLElement => h("tr", {}, h("th", { scope: "row" }, moment.format(new Date(r.started_at))), h("td", {}, String(r.before)), h("td", {}, r.after === null ? "–" : String(r.after)));
      const heads = [W.when, W.before, W.after].map((name) => h("th", { scope: "col" }, name));
      fill(this.#shown.body, h("h2", {}, `${this.#text(one.title)}: ${W.series}`),
        series.length ? h("table", {}, h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, ...series.map(row))) : h("p", { class: "meta" }, W.noSeries), this.#back());
    });
  }

  #back(): HTMLElement { return h("button", { type: "button", class: "quiet", click: () => void this.#overview() }, W.back); }

  async #read(run: string): Promise<Whole> {
    const answers: Answered[] = [];
    for (;;) {
      const ok = await this.#ask({ type: "exercise.get", run, after: answers.at(-1)?.n ?? 0 });
      answers.push(...(ok.answers ?? []));
      if (!ok.run || !ok.definition) throw new Error("a run without its definition");
      if (!ok.more || !ok.answers?.length) return { run: ok.run, definition: ok.definition, answers };
    }
  }

  #run(run: string): Promise<void> {
    return this.#try(async () => {
      const found = await this.#read(run);
      const at = this.#shown;
      if (!at) return;
      const key = `${found.run.run} ${found.run.step} ${found.run.state}`;
      if (at.body.dataset["key"] === key && at.run === run) return; // what somebody is writing there stays
      at.body.dataset["key"] = key;
      at.run = run;
      const { definition, answers } = found;
      const open = at.body.querySelector("details")?.open ?? this.role === "therapist"; // who looks on, looks at the answers
      const step = found.run.step === null ? undefined : stepOf(definition, found.run.step);
      fill(at.body, h("h2", {}, this.#text(definition.title)), h("p", { class: "meta" }, W.state[found.run.state]),
        definition.care && !answers.length && h("p", { class: "care" }, this.#text(definition.care)),
        answers.length > 0 && h("details", { open }, h("summary", {}, W.so_far), h("dl", {}, ...answers.flatMap((one) => this.#answered(definition, one)))),
        found.run.state === "running" && (step ? this.#step(found.run, step) : h("p", { role: "status" }, W.all)),
        this.#moves(found.run), this.#back());
      at.body.querySelector<HTMLElement>("textarea, .step input, .step button")?.focus();
    });
  }

  #answered(definition: Definition, one: Answered): HTMLElement[] {
    const step = stepOf(definition, one.step);
    return [h("dt", {}, step ? this.#text(step.prompt) : one.step), h("dd", { dir: "auto" }, said(step, one.answer, W.language))];
  }

  #moves({ run, state, step }: Run): HTMLElement {
    const move = (type: string, label: string, primary = false): HTMLElement =>
      h("button", { type: "button", ...(primary ? { class: "primary" } : {}), click: () => void this.#try(async () => { await this.#ask({ type, run, record: crypto.randomUUID() }); }) }, label);
    return h("div", { class: "actions" },
      state === "running" && step === null && move("exercise.finish", W.finish, true),
      state === "running" && move("exercise.pause", W.pause), state === "paused" && move("exercise.resume", W.resume, true),
      (state === "running" || state === "paused") && move("exercise.stop", W.stop));
  }

  /** The step that waits: the client answers, the therapist sees what is asked. */
  #step(run: Run, step: Step): HTMLElement {
    const prompt = h("p", { class: "prompt", id: "exercise-prompt" }, this.#text(step.prompt));
    const hint = step.hint ? h("p", { class: "meta" }, this.#text(step.hint)) : null;
    if (this.role !== "client") return h("div", { class: "step" }, prompt, hint, h("p", { class: "meta" }, W.waits(this.conversation.other?.display_name ?? "")));
    let sending: { answer: string; record: string } | null = null; // the same answer again is the same request
    const send = (answer: Answer | null): void => {
      if (!answer || !fits(step, answer)) { if (this.#shown) text(this.#shown.status, W.bad["bad_answer"] ?? ""); return; }
      const written = JSON.stringify(answer);
      if (sending?.answer !== written) sending = { answer: written, record: crypto.randomUUID() };
      const { record } = sending;
      void this.#try(async () => { await this.#ask({ type: "exercise.answer", run: run.run, step: step.id, answer, record }); });
    };
    const field = this.#field(step.answer, send);
    return h("form", { class: "step", "aria-labelledby": "exercise-prompt", submit: (event) => { event.preventDefault(); send(field.read()); } }, prompt, hint, field.element,
      h("div", { class: "actions" }, step.optional && h("button", { type: "button", class: "quiet", click: () => send({ kind: "skip" }) }, W.skip),
        step.answer.kind !== "breathing" && h("button", { type: "submit", class: "primary" }, W.next)));
  }

  #field(asked: Asked, send: (answer: Answer) => void): { element: HTMLElement; read: () => Answer | null } {
    const labelled = { "aria-labelledby": "exercise-prompt", dir: "auto" };
    switch (asked.kind) {
      case "text": {
        const area = h("textarea", { rows: "4", ...labelled });
        return { element: area, read: () => ({ kind: "text", text: area.value.trim() }) };
      }
      case "list": {
        const area = h("textarea", { rows: String(Math.min(asked.most, 6)), placeholder: W.onEachLine, ...labelled });
        return { element: area, read: () => ({ kind: "list", items: area.value.split("\n").map((line) => line.trim()).filter(Boolean) }) };
      }
      case "choice": {
        const type = asked.most > 1 ? "checkbox" : "radio";
        const boxes = asked.options.map((option) => h("input", { type, name: "option", value: option.id }));
        const rows = asked.options.map((option, index) => h("label", {}, boxes[index], ` ${this.#text(option.text)}`));
        return { element: h("fieldset", { "aria-labelledby": "exercise-prompt" }, asked.most > 1 && h("legend", {}, W.chooseUpTo(asked.most)), ...rows),
          read: () => ({ kind: "choice", chosen: boxes.filter((box) => box.checked).map((box) => box.value) }) };
      }
      case "rating": {
        const boxes = Array.from({ length: 11 }, (_, n) => h("input", { type: "radio", name: "rating", value: String(n) }));
        const rows = boxes.map((box, n) => h("label", {}, box, String(n)));
        return { element: h("fieldset", { class: "rating", "aria-labelledby": "exercise-prompt" }, h("span", { class: "meta" }, this.#text(asked.low)), ...rows, h("span", { class: "meta" }, this.#text(asked.high))),
          read: () => { const chosen = boxes.find((box) => box.checked); return chosen ? { kind: "rating", rating: Number(chosen.value) } : null; } };
      }
      case "breathing": return { element: this.#breathing(asked, send), read: () => null };
    }
  }

  /** In words, which are read out as the phase changes; nothing moves. */
  #breathing(asked: Extract<Asked, { kind: "breathing" }>, send: (answer: Answer) => void): HTMLElement {
    const phase = h("p", { class: "breath-phase", role: "status" }), left = h("p", { class: "meta", "aria-hidden": "true" });
    let begun = 0, done = 0, timer: ReturnType<typeof setInterval> | undefined;
    const over = (cycles: number): void => { clearInterval(timer); text(phase, W.breathed); text(left, ""); send({ kind: "breathing", cycles }); };
    const tick = (): void => {
      if (!phase.isConnected) { clearInterval(timer); return; }
      const now = breath(asked.phases, asked.cycles, (performance.now() - begun) / 1000);
      if (!now) { over(asked.cycles); return; }
      done = now.cycle;
      text(phase, W.breath[now.phase] ?? "");
      text(left, `${now.left} · ${W.cycle(now.cycle + 1, asked.cycles)}`);
    };
    const begin = h("button", { type: "button", class: "primary", click: () => { begin.hidden = true; begun = performance.now(); timer = setInterval(tick, TICK_MS); tick(); } }, W.begin);
    return h("div", { class: "breathing" }, phase, left, begin, h("button", { type: "button", click: () => over(done) }, W.here));
  }
}
