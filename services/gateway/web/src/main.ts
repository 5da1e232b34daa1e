/** The page: the token out of the address, one connection, and the conversations that it opens. */

import { Connection, type Status } from "./connection";
import { Conversation } from "./conversation";
import { fill, h, text } from "./dom";
import type { ServerFrame, Welcome } from "./protocol";
import { S } from "./strings";
import { Room } from "./views/room";

const app = document.querySelector("#app") as HTMLElement;
const state = h("p", { class: "connection", role: "status" });
const stage = h("div", { class: "stage" });
const rooms = new Map<string, Room>();
const ERASED = 4410;
let wanted: string | null = null;
let open: string | null = null;

function takeLink(): { token: string; device: string } | null {
  const link = new URLSearchParams(location.hash.slice(1));
  const token = link.get("t");
  if (token) {
    sessionStorage.setItem("token", token);
    sessionStorage.setItem("conversation", link.get("c") ?? "");
  }
  if (location.hash) history.replaceState(null, "", location.pathname);
  wanted = sessionStorage.getItem("conversation");
  const known = sessionStorage.getItem("token");
  if (!known) return null;
  let device = sessionStorage.getItem("device");
  if (!device) { device = crypto.randomUUID(); sessionStorage.setItem("device", device); }
  return { token: known, device };
}

/** Leave nothing on the screen, nor in the back button's reach. */
function leave(): void {
  sessionStorage.clear();
  connection?.close();
  fill(app);
  location.replace("about:blank");
}

function add(value: Welcome["conversations"][number], welcome: Welcome["participant"]): Room {
  const known = rooms.get(value.id);
  if (known) { known.conversation.refresh(value); return known; }
  const room = new Room(new Conversation(value, welcome.id), connection as Connection, welcome.role, leave);
  rooms.set(value.id, room);
  return room;
}

/** A conversation was erased: nothing of it stays on the screen, nor in this tab. */
function forget(id: string): void {
  if (!rooms.delete(id)) return;
  for (const key of Object.keys(sessionStorage)) if (key.endsWith(`:${id}`)) sessionStorage.removeItem(key);
  if (open === id) open = null;
  show();
  if (rooms.size === 0) fill(stage, h("p", { class: "choose" }, S.ended[ERASED] ?? ""));
}

function show(): void {
  const id = open ?? (wanted && rooms.has(wanted) ? wanted : rooms.size === 1 ? [...rooms.keys()][0] ?? null : null);
  open = id;
  const room = id === null ? undefined : rooms.get(id);
  const list = rooms.size > 1 && h("nav", { class: "list", "aria-label": S.conversations }, ...[...rooms.values()].map((r) =>
    h("button", { type: "button", "aria-current": String(r.conversation.id === id), click: () => { open = r.conversation.id; show(); void r.arrived(); } },
      r.conversation.other?.display_name ?? r.conversation.id)));
  fill(stage, list, room ? room.element : h("p", { class: "choose" }, S.choose));
}

let me: Welcome["participant"] | null = null;

function onWelcome(frame: Welcome): void {
  me = frame.participant;
  for (const value of frame.conversations) add(value, frame.participant);
  show();
  for (const room of rooms.values()) room.welcomed();
  for (const room of rooms.values()) if (room.conversation.id === open) void room.arrived();
}

function onFrame(frame: ServerFrame): void {
  if (frame.type === "error") {
    const { conversation, type } = frame.details ?? {};
    if (type === "hello" && (frame.code === "not_found" || frame.code === "erased")) { forget(String(conversation)); return; }
    rooms.get(String(conversation))?.refused(String(type), frame.code, frame.details ?? {});
    return;
  }
  if (!("conversation" in frame)) return;
  if (frame.type === "conversation.added" && me) { add(frame, me); show(); return; }
  if (frame.type === "conversation.erased") { forget(frame.conversation); return; }
  rooms.get(frame.conversation)?.take(frame);
}

let countdown: number | undefined;

function onStatus(status: Status): void {
  clearInterval(countdown);
  state.dataset["status"] = status.name;
  if (status.name === "connected") text(state, S.connected);
  else if (status.name === "connecting") text(state, S.connecting);
  else if (status.name === "ended") text(state, S.ended[status.code] ?? S.failed);
  else {
    for (const room of rooms.values()) room.lost();
    const tell = (): void => text(state, S.back(Math.max(1, Math.ceil((status.until - Date.now()) / 1000))));
    tell();
    countdown = setInterval(tell, 1000) as unknown as number;
  }
}

const link = takeLink();
const connection = link && new Connection({
  ...link,
  open: () => new WebSocket(`${location.origin.replace("http", "ws")}/v1/ws`, "unsaid.v1"),
  resume: () => [...rooms.values()].map((room) => ({ conversation: room.conversation.id, after_n: room.conversation.lastN })),
  onWelcome, onFrame, onStatus,
});
if (connection) {
  fill(app, state, stage);
  connection.open();
  addEventListener("online", () => connection.hurry());
} else {
  fill(app, h("p", { class: "choose" }, S.noLink));
}
addEventListener("hashchange", () => { if (location.hash.includes("t=")) location.reload(); });
