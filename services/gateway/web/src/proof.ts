/** Checks a consent receipt with nothing but the tenant's public key: C2SP signed-note, tlog-checkpoint, tlog-proof; RFC 9162. */

export interface Receipt {
  receipt: { record_id: string; pii_principal_id: string };
  pii_processing: {
    privacy_notice_version: number | null; privacy_notice_sha256: string | null; privacy_notice_text: string | null;
    language: string | null; purposes: { purpose: string }[];
  };
  events: {
    event_state: "granted" | "withdrawn"; event_time: string; epoch: number; via: string; entity_id: string;
    entity_capacity?: string; valid_until?: string; decided_at?: string;
  }[];
  conversation: string; proof: string; key: string;
}

/** Why a receipt proves nothing. */
export class Unproved extends Error {}

const utf8 = new TextEncoder();

function bytes(base64: string): Uint8Array<ArrayBuffer> {
  let raw: string;
  try { raw = atob(base64); } catch { throw new Unproved("It is damaged."); }
  return Uint8Array.from(raw, (character) => character.charCodeAt(0));
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

async function sha256(...parts: (Uint8Array | number[])[]): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(parts.flatMap((part) => [...part]))));
}

const hex = (raw: Uint8Array): string => [...raw].map((byte) => byte.toString(16).padStart(2, "0")).join("");

interface Key { name: string; id: Uint8Array; public: Uint8Array<ArrayBuffer> }

async function parseKey(text: string): Promise<Key> {
  const [, name, id, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim()) ?? [];
  const raw = bytes(encoded ?? "");
  if (!name || raw.length !== 33 || raw[0] !== 1) throw new Unproved("The key isn't one.");
  const wanted = (await sha256(utf8.encode(`${name}\n`), raw)).slice(0, 4);
  if (hex(wanted) !== id) throw new Unproved("The key isn't one.");
  return { name, id: wanted, public: raw.slice(1) };
}

/** One key a line; all of one log. */
async function parseKeys(text: string): Promise<[Key, ...Key[]]> {
  const [first, ...more] = await Promise.all(text.trim().split("\n").map(parseKey));
  if (!first || more.some((key) => key.name !== first.name)) throw new Unproved("These are keys of several logs.");
  return [first, ...more];
}

/** The text of a note that one of these keys signed. Throws `Unproved`. */
async function openNote(note: string, keys: Key[]): Promise<string> {
  const at = note.lastIndexOf("\n\n");
  if (at < 0) throw new Unproved("The checkpoint is damaged.");
  const text = note.slice(0, at + 1);
  for (const line of note.slice(at + 2).split("\n")) {
    const [, name, encoded] = /^— (\S+) (\S+)$/.exec(line) ?? [];
    if (!encoded) continue;
    const raw = bytes(encoded);
    const key = keys.find((one) => one.name === name && same(raw.slice(0, 4), one.id));
    if (!key) continue;
    const known = await crypto.subtle.importKey("raw", key.public, "Ed25519", false, ["verify"]);
    if (await crypto.subtle.verify("Ed25519", known, raw.slice(4), utf8.encode(text))) return text;
    throw new Unproved("The signature is wrong.");
  }
  throw new Unproved("It isn't signed with this key.");
}

/** RFC 9162, 2.1.3.2. */
async function rootOf(entry: Uint8Array, index: number, size: number, proof: Uint8Array[]): Promise<Uint8Array> {
  if (!(index < size)) throw new Unproved("The proof is damaged.");
  let [fn, sn, hash] = [index, size - 1, await sha256([0], entry)];
  for (const sibling of proof) {
    if (sn === 0) throw new Unproved("The proof is damaged.");
    if (fn % 2 === 1 || fn === sn) {
      hash = await sha256([1], sibling, hash);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
    } else hash = await sha256([1], hash, sibling);
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  if (sn !== 0) throw new Unproved("The proof is damaged.");
  return hash;
}

/** The log's entry that the receipt proves. Throws `Unproved`. */
async function prove(proof: string, keys: [Key, ...Key[]]): Promise<Record<string, unknown>> {
  const at = proof.indexOf("\n\n");
  const [head, extra, index, ...hashes] = proof.slice(0, Math.max(at, 0)).split("\n");
  const place = /^index (0|[1-9]\d{0,14})$/.exec(index ?? "")?.[1];
  if (head !== "c2sp.org/tlog-proof@v1" || !extra?.startsWith("extra ") || place === undefined) throw new Unproved("There is no proof in it.");
  const [origin, size, root] = (await openNote(proof.slice(at + 2), keys)).split("\n");
  if (origin !== keys[0].name || !/^\d{1,15}$/.test(size ?? "") || !root) throw new Unproved("The checkpoint is damaged.");
  const entry = bytes(extra.slice(6));
  if (!same(await rootOf(entry, Number(place), Number(size), hashes.map(bytes)), bytes(root))) throw new Unproved("This decision isn't in the log.");
  return JSON.parse(new TextDecoder().decode(entry)) as Record<string, unknown>;
}

/** What is in the log, and the form's text whose hash is. Of a receipt nothing else is proved, least of all how a file shows it. */
export interface Proved { readonly entry: Record<string, unknown>; readonly text: string | null }

/** Check that what a receipt says is in the log that this key (or one of these, a line each) signs. Throws `Unproved`; says which field. */
export async function check(receipt: Receipt, key: string): Promise<Proved> {
  const entry = await prove(receipt.proof, await parseKeys(key));
  const { pii_processing: processing, events: [event] } = receipt;
  if (!event) throw new Unproved("There is no decision in it.");
  const by = event.entity_capacity === undefined ? undefined : { capacity: event.entity_capacity, person: event.entity_id };
  const told: Record<string, unknown> = {
    at: event.event_time, by, conversation: receipt.conversation, decided_at: event.decided_at,
    decision: event.event_state === "granted" ? "grant" : "withdraw", epoch: event.epoch, expires_at: event.valid_until,
    id: receipt.receipt.record_id, locale: processing.language ?? undefined, participant: receipt.receipt.pii_principal_id,
    purpose: processing.purposes[0]?.purpose, sha256: processing.privacy_notice_sha256 ?? undefined,
    version: processing.privacy_notice_version ?? undefined, via: event.via,
  };
  for (const [name, value] of Object.entries(told)) {
    if (JSON.stringify(entry[name]) !== JSON.stringify(value)) throw new Unproved(`It says something else than the log: ${name}.`);
  }
  if (by === undefined && event.entity_id !== entry.participant) throw new Unproved("It says something else than the log: entity_id.");
  const text = processing.privacy_notice_text;
  if (text !== null && hex(await sha256(utf8.encode(text))) !== entry.sha256) throw new Unproved("The text isn't the one that was agreed to.");
  return { entry, text };
}

/** A receipt from a file, JSON or HTML. Throws `Unproved`. */
export function read(source: string): Receipt {
  const inside = /<script type="application\/json" id="receipt">([^<]*)<\/script>/.exec(source);
  try {
    const found = JSON.parse(inside?.[1] ?? source) as Receipt;
    if (typeof found.proof === "string" && found.receipt && found.pii_processing && found.events) return found;
  } catch { /* as below */ }
  throw new Unproved("This is no receipt.");
}
