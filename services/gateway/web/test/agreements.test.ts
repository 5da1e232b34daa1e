import { describe, expect, it } from "vitest";
import { Agreements, acts, endOf, reminder, type Agreement, type AgreementFrame, type AgreementState } from "../src/agreements";

const base = { conversation: "c", n: 1, record: "x", from: "me", at: "2026-03-02T09:15:30.250Z" };
const told = (frame: Record<string, unknown>): AgreementFrame => ({ ...base, agreement: "a", ...frame } as unknown as AgreementFrame);
const proposed = told({ type: "agreement.proposed", wording: 1, what: "a walk" });

describe("acts", () => {
  const at = (state: AgreementState): Agreement => ({ agreement: "a", state, wording: 1, author: "me", what: "", will_remind: false, changed_at: "" });
  it("lets only the other accept", () => {
    expect(acts(at("proposed"), "me")).toEqual(["revise", "close"]);
    expect(acts(at("proposed"), "you")).toEqual(["accept", "decline", "revise"]);
  });
  it("lets both report on what is agreed, and close it", () => {
    for (const who of ["me", "you"]) expect(acts(at("agreed"), who)).toEqual(["report", "close"]);
  });
  it("lets nobody do anything with what has ended", () => {
    for (const state of ["declined", "closed"] as const) expect(acts(at(state), "me")).toEqual([]);
  });
});

describe("agreements", () => {
  it("follow what happens", () => {
    const all = new Agreements();
    all.take(proposed);
    expect(all.open.map((one) => [one.state, one.what, one.author])).toEqual([["proposed", "a walk", "me"]]);
    all.take(told({ type: "agreement.revised", wording: 2, what: "two walks", from: "you" }));
    all.take(proposed); // late
    expect(all.get("a")).toMatchObject({ wording: 2, what: "two walks", author: "you", state: "proposed" });
    all.take(told({ type: "agreement.accepted", wording: 2, remind: true }));
    expect(all.get("a")).toMatchObject({ state: "agreed", will_remind: true });
    all.take(told({ type: "agreement.reminded" }));
    expect(all.get("a")?.will_remind).toBe(false);
    expect([...all.due]).toEqual(["a"]);
    all.take(told({ type: "agreement.reported", how: "partly" }));
    expect(all.get("a")?.how).toBe("partly");
    all.take(told({ type: "agreement.closed" }));
    expect(all.open).toEqual([]);
    expect([...all.due]).toEqual([]);
  });
  it("put a new one first, and know of due ones before they are read", () => {
    const all = new Agreements();
    all.take({ ...base, type: "agreement.due", session: "s", agreements: ["b"] });
    expect([...all.due]).toEqual(["b"]);
    all.take(proposed);
    all.take(told({ type: "agreement.proposed", agreement: "b", wording: 1, what: "a call" }));
    expect(all.list.map((one) => one.agreement)).toEqual(["b", "a"]);
  });
  it("pay no heed to what isn't known here", () => {
    const all = new Agreements();
    all.take(told({ type: "agreement.accepted", wording: 1, remind: false }));
    expect(all.list).toEqual([]);
  });
});

describe("times", () => {
  it("a reminder is in local time, with its zone", () => {
    expect(reminder("2026-12-01T18:30")).toEqual({ at: "2026-12-01T18:30", zone: Intl.DateTimeFormat().resolvedOptions().timeZone });
    expect(reminder("")).toBeNull();
  });
  it("a day ends on this device's clock", () => {
    expect(endOf("2026-12-01")).toBe(new Date("2026-12-01T23:59:00").toISOString());
    expect(endOf("")).toBeNull();
  });
});
