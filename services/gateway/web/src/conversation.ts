/** What this page knows of one conversation, changed by frames alone. */

import type { About, Away, Consent, ConversationState, Live, Message, Person, Purpose, Session } from "./protocol";
import { Draft } from "./rhythm";
import type { OpenRaise } from "./safety";

export class Conversation {
  readonly id: string;
  people: Map<string, Person>;
  consents: ConversationState["consents"];
  reads: Record<string, number>;
  live: Record<string, Live>;
  suspended = new Set<string>();
  session: Session | null;
  /** Who left, while nothing can be written. */
  left: string | null;
  away: Away | null;
  messages = new Map<number, Message>();
  /** What was raised and waits to be seen, as the welcome had it. */
  safety: readonly OpenRaise[] = [];
  drafts = new Map<string, Draft>();
  typing = new Set<string>();
  lastN: number;
  lastSeq: number;
  /** Drafts whose last edit didn't follow: to be asked for again. */
  lost = new Set<string>();

  constructor(state: ConversationState, readonly me: string, private readonly now: () => number = () => performance.now()) {
    this.id = state.id;
    this.people = new Map(state.participants.map((p) => [p.id, p]));
    ({ consents: this.consents, reads: this.reads, live: this.live, session: this.session } = state);
    this.safety = state.safety ?? [];
    this.left = state.left ?? null;
    this.away = state.away ?? null;
    this.lastN = state.last_n;
    this.lastSeq = state.last_seq;
  }

  /** After a reconnect: the state is the new one; what was missed comes as frames. */
  refresh(state: ConversationState): void {
    this.people = new Map(state.participants.map((p) => [p.id, p]));
    ({ consents: this.consents, reads: this.reads, live: this.live, session: this.session } = state);
    this.safety = state.safety ?? [];
    this.left = state.left ?? null;
    this.away = state.away ?? null;
    this.drafts.clear();
    this.typing.clear();
    this.suspended.clear();
  }

  get other(): Person | undefined { return [...this.people.values()].find((p) => p.id !== this.me); }
  get ordered(): Message[] { return [...this.messages.values()].sort((a, b) => a.seq - b.seq); }
  consent(purpose: Purpose): Consent | undefined { return this.consents[this.me]?.[purpose]; }

  keep(message: Message): void {
    this.messages.set(message.seq, message);
    this.lastSeq = Math.max(this.lastSeq, message.seq);
  }

  take(frame: About): void {
    if ("n" in frame) this.lastN = Math.max(this.lastN, frame.n);
    switch (frame.type) {
      case "message.posted":
        this.keep(frame);
        this.drafts.delete(frame.message);
        this.typing.delete(frame.from);
        break;
      case "message.read":
        this.reads[frame.from] = Math.max(this.reads[frame.from] ?? 0, frame.seq);
        break;
      case "typing":
        if (frame.on) this.typing.add(frame.from);
        else this.typing.delete(frame.from);
        break;
      case "presence": {
        const person = this.people.get(frame.participant);
        if (person) person.online = frame.online;
        break;
      }
      case "live.changed":
        this.live[frame.from] = { on: frame.on, level: frame.level };
        if (frame.reason === "suspended") this.suspended.add(frame.from);
        else this.suspended.delete(frame.from);
        if (!frame.on) for (const [id, draft] of this.drafts) if (draft.from === frame.from) this.drafts.delete(id);
        break;
      case "live.edit": {
        const draft = this.#draft(frame.draft, frame.from);
        if (frame.rev === draft.rev + 1) draft.edit(frame.rev, frame.ops, this.now());
        else if (frame.rev > draft.rev) this.lost.add(frame.draft); // one that came twice changes nothing
        break;
      }
      case "live.reset":
        this.#draft(frame.draft, frame.from).reset(frame.rev, frame.text);
        this.lost.delete(frame.draft);
        break;
      case "live.clear":
        this.drafts.delete(frame.draft);
        break;
      case "consent.changed": {
        const known = (this.consents[frame.participant] ??= {});
        if ((known[frame.purpose]?.epoch ?? 0) < frame.epoch) known[frame.purpose] = { state: frame.state, epoch: frame.epoch };
        break;
      }
      case "session.started":
        this.session = { id: frame.session, started_at: frame.at };
        break;
      case "session.ended":
        this.session = null;
        break;
      case "message.deleted":
        for (const known of this.messages.values()) if (known.message === frame.message) { known.text = ""; known.deleted = true; }
        break;
      case "conversation.left":
        this.left = frame.from;
        break;
      case "conversation.returned":
        this.left = null;
        break;
      case "away.began":
        this.away = { since: frame.at, text: frame.text, ...(frame.until ? { until: frame.until } : {}) };
        break;
      case "away.ended":
        this.away = null;
        break;
      case "resume.reset":
        this.messages.clear();
        this.lastN = frame.last_n;
        this.lastSeq = frame.last_seq;
        break;
      case "message.marked":
      case "pacing.updated":
      case "pacing.offer": // a feature's
      case "composition.opened":
      case "composition.deleted": // read anew whenever one is looked at
      case "conversation.added":
      case "conversation.erased": // the page lets go of all of it
        break;
    }
  }

  #draft(id: string, from: string): Draft {
    const draft = this.drafts.get(id) ?? new Draft(id, from);
    this.drafts.set(id, draft);
    return draft;
  }
}
