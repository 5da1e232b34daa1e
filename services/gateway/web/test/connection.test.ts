import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Connection, type Socket, type Status } from "../src/connection";
import { Outbox } from "../src/outbox";
import { Refused, type ClientFrame, type Ok } from "../src/protocol";

class FakeSocket implements Socket {
  sent: Record<string, unknown>[] = [];
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  send(data: string): void { this.sent.push(JSON.parse(data) as Record<string, unknown>); }
  close(): void { this.onclose?.({ code: 1000 } as CloseEvent); }
  come(frame: object): void { this.onmessage?.({ data: JSON.stringify(frame) } as MessageEvent); }
  welcome(): void {
    this.onopen?.(new Event("open"));
    this.come({ type: "welcome", participant: { id: "me", role: "client" }, conversations: [] });
  }
}

function connect(random = 0.5): { connection: Connection; sockets: FakeSocket[]; statuses: Status[] } {
  const sockets: FakeSocket[] = [], statuses: Status[] = [];
  const connection = new Connection({
    open: () => { const socket = new FakeSocket(); sockets.push(socket); return socket; },
    token: "t", device: "d", resume: () => [{ conversation: "c", after_n: 7 }], random: () => random,
    onWelcome: () => undefined, onFrame: () => undefined, onStatus: (status) => statuses.push(status),
  });
  connection.open();
  return { connection, sockets, statuses };
}

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

describe("connection", () => {
  it("says hello with what it has, and nothing else before the welcome", () => {
    const { connection, sockets } = connect();
    sockets[0]?.onopen?.(new Event("open"));
    expect(sockets[0]?.sent).toEqual([{ type: "hello", token: "t", device: "d", obscure: true, resume: [{ conversation: "c", after_n: 7 }] }]);
    expect(connection.send({ type: "typing" })).toBe(false);
  });
  it("comes back with jitter that grows, and resumes", async () => {
    const { sockets } = connect(1);
    sockets[0]?.welcome();
    sockets[0]?.onclose?.({ code: 1006 } as CloseEvent);
    await vi.advanceTimersByTimeAsync(499);
    expect(sockets).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2);
    expect(sockets).toHaveLength(2);
    sockets[1]?.onclose?.({ code: 1006 } as CloseEvent);
    await vi.advanceTimersByTimeAsync(999);
    expect(sockets).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(2);
    sockets[2]?.onopen?.(new Event("open"));
    expect(sockets[2]?.sent[0]).toMatchObject({ type: "hello", resume: [{ after_n: 7 }] });
  });
  it("comes back when it is told to", async () => {
    const { sockets } = connect();
    sockets[0]?.welcome();
    sockets[0]?.come({ type: "reconnect", retry_ms: 1234 });
    sockets[0]?.onclose?.({ code: 1012 } as CloseEvent);
    await vi.advanceTimersByTimeAsync(1233);
    expect(sockets).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2);
    expect(sockets).toHaveLength(2);
  });
  it.each([4400, 4401, 4409, 4410])("never comes back after %i", async (code) => {
    const { sockets, statuses } = connect();
    sockets[0]?.welcome();
    sockets[0]?.onclose?.({ code } as CloseEvent);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sockets).toHaveLength(1);
    expect(statuses.at(-1)).toEqual({ name: "ended", code });
  });
  it("matches answers to questions, and gives up those that a lost connection took", async () => {
    const { connection, sockets } = connect();
    sockets[0]?.welcome();
    const first = connection.ask({ type: "a" }), second = connection.ask({ type: "b" }), third = connection.ask({ type: "c" });
    sockets[0]?.come({ type: "error", ref: "2", code: "conflict" });
    sockets[0]?.come({ type: "ok", ref: "1", seq: 5 });
    await expect(first).resolves.toMatchObject({ seq: 5 });
    await expect(second).rejects.toMatchObject({ code: "conflict" });
    const lost = expect(third).rejects.toMatchObject({ code: "lost" });
    sockets[0]?.onclose?.({ code: 1006 } as CloseEvent);
    await lost;
  });
});

it("takes a connection that answers nothing for lost, and comes back", async () => {
  const { connection, sockets } = connect();
  sockets[0]?.welcome();
  const lost = expect(connection.ask({ type: "message.send" })).rejects.toMatchObject({ code: "lost" });
  await vi.advanceTimersByTimeAsync(10_000);
  await lost;
  expect(connection.connected).toBe(false);
  await vi.advanceTimersByTimeAsync(250);
  expect(sockets).toHaveLength(2);
});

describe("outbox", () => {
  function box(ask: (frame: ClientFrame) => Promise<Ok>): { outbox: Outbox; kept: Map<string, string>; stored: string[] } {
    const kept = new Map<string, string>(), stored: string[] = [];
    const store = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => { kept.set(key, value); },
      removeItem: (key: string) => { kept.delete(key); },
    };
    const outbox = new Outbox("c", "me", store, ask, (waiting) => stored.push(waiting.message), () => undefined);
    return { outbox, kept, stored };
  }
  const ok: Ok = { type: "ok", ref: "1", seq: 1, n: 1, at: "" };

  it("keeps a message until it is stored, and sends it again with the same id", async () => {
    const asked: ClientFrame[] = [];
    let online = false;
    const { outbox, kept, stored } = box((frame) => { asked.push(frame); return online ? Promise.resolve(ok) : Promise.reject(new Refused("lost")); });
    outbox.add({ message: "m1", text: "hello" });
    await vi.advanceTimersByTimeAsync(0);
    expect(kept.get("outbox:me:c")).toContain("m1");
    online = true;
    await outbox.flush();
    expect(asked.map((frame) => frame["message"])).toEqual(["m1", "m1"]);
    expect(stored).toEqual(["m1"]);
    expect(kept.size).toBe(0);
  });
  it("waits where the platform can't, and goes on in order", async () => {
    const asked: unknown[] = [];
    let times = 0;
    const { outbox } = box((frame) => {
      asked.push(frame["message"]);
      times += 1;
      return times === 1 ? Promise.reject(new Refused("unavailable", { retry_ms: 300 })) : Promise.resolve(ok);
    });
    outbox.add({ message: "m1", text: "a" });
    outbox.add({ message: "m2", text: "b" });
    await vi.advanceTimersByTimeAsync(301);
    expect(asked).toEqual(["m1", "m1", "m2"]);
  });
  it("puts aside what is refused, and shows it", async () => {
    const { outbox } = box((frame) => frame["message"] === "m1" ? Promise.reject(new Refused("bad_text")) : Promise.resolve(ok));
    outbox.add({ message: "m1", text: "a" });
    outbox.add({ message: "m2", text: "b" });
    await vi.advanceTimersByTimeAsync(0);
    expect(outbox.waiting).toEqual([{ message: "m1", text: "a", problem: "bad_text" }]);
  });
  it("needs no answer for what came back as posted", () => {
    const { outbox } = box(() => new Promise(() => undefined));
    outbox.add({ message: "m1", text: "a" });
    outbox.stored("m1");
    expect(outbox.waiting).toEqual([]);
  });
});
