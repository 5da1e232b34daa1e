/** Every word that the page shows, in one place. */

import type { Purpose } from "./protocol";

export const PURPOSE: Record<Purpose, string> = {
  informed_consent: "Therapy by text",
  live_text: "Live text: showing what you write as you write it",
  composition_replay: "Keeping how messages were written",
  note_disclosure: "Sending signed notes to your care provider",
};

export const S = {
  title: "Messages",
  noLink: "Open this page by the link that you were given.",
  ended: { 4401: "This link has expired. Ask for a new one.", 4409: "This conversation is open in another window.", 4400: "Something went wrong here. Please reload." } as Record<number, string>,
  connecting: "Connecting…", connected: "Connected", back: (s: number) => `Not connected. Trying again in ${s} s.`,
  here: "here", away: "away", typing: (name: string) => `${name} is writing…`,
  write: "Write a message", send: "Send", sending: "sending", stored: "stored", read: "read", notSent: "not sent",
  problem: { bad_text: "This text can't be sent.", conflict: "Not sent." } as Record<string, string>,
  tooLong: (n: number) => `This is ${n} characters too long to send as one message.`,
  earlier: "Earlier messages", messages: "Conversation",
  consents: "Consents", leave: "Leave", close: "Close", agree: "I agree", notNow: "Not now", withdraw: "Withdraw", readIt: "Read and decide",
  granted: "You agreed", withdrawn: "Withdrawn", undecided: "Not decided", otherGranted: (name: string) => `${name} agreed.`,
  stale: "This text has changed in the meantime. Please read it again.",
  broken: "This text isn't the one that was meant. Nothing was agreed to.",
  offline: "That isn't possible without a connection.", failed: "That didn't work. Please try again.",
  dimmer: "While I write, show", off: "nothing", rhythm: "only the rhythm", letters: "what I write",
  seeLetters: (name: string) => `${name} sees what you type, also what you delete.`,
  seeRhythm: (name: string) => `${name} sees that you type and how fast, not the words.`,
  suspended: "Paused for a moment: nothing is shown.",
  theirs: (name: string) => `${name}, while writing`, cancel: "Esc takes it back",
  start: "Start session", end: "End session", running: "Session running", needConsent: "Both need to agree to therapy by text first.",
  notes: "Notes", noteText: "Progress note (part of the record; not shown in this conversation)", save: "Save", saved: (v: number) => `Saved (version ${v}).`,
  noteConflict: "It was changed elsewhere. Close and open the notes to see it.", newNote: "New note",
  composition: "How it was written", writtenSoFar: "What stood there at this moment", play: "Play", pause: "Pause", speed: "Speed",
  place: "Moment", nextDeletion: "Next deletion", played: (at: number, of: number, s: number) => `${at} of ${of} keystrokes, after ${s} s`,
  kept: "What was kept of your writing", nothingKept: "Nothing is kept.", notKept: "Nothing was kept of this one.", me: "you", neverSent: "never sent",
  letGo: "Let it go for good", letAllGo: "Let all of mine go for good", gone: "All that was kept of your writing is destroyed.",
  stillKept: "Nothing more is kept. What was kept before is still there.",
  openTo: (name: string) => `Open it to ${name}`, opened: (name: string) => `${name} can see all of it.`,
  shownOnly: (name: string) => `${name} can see of it only what you showed live.`,
  mark: "Mark this moment", markText: "An unsaid moment, in your words (only you see this)",
  conversations: "Conversations", choose: "Choose a conversation",
} as const;
