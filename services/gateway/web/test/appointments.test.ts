import { describe, expect, it } from "vitest";
import { Appointments, isAppointment, type AppointmentFrame } from "../src/appointments";

const told = (frame: Record<string, unknown>): AppointmentFrame =>
  ({ conversation: "c", n: 1, record: "x", from: "me", at: "2026-03-02T09:15:30.250Z", session: "a", ...frame } as unknown as AppointmentFrame);
const scheduled = (more: Record<string, unknown> = {}): AppointmentFrame => told({
  type: "session.scheduled", revision: 1, when: { at: "2026-12-01T18:30", zone: "Europe/Paris" }, minutes: 50, starts_at: "2026-12-01T17:30:00.000Z", ...more });

describe("appointments", () => {
  it("follow what happens, the next one first", () => {
    const all = new Appointments();
    all.take(scheduled());
    all.take(scheduled({ session: "b", starts_at: "2026-11-30T17:30:00.000Z" }));
    expect(all.open.map((one) => one.session)).toEqual(["b", "a"]);
    all.take(scheduled({ type: "session.rescheduled", session: "b", revision: 2, starts_at: "2026-12-02T17:30:00.000Z" }));
    all.take(scheduled({ session: "b" })); // late
    expect(all.open.map((one) => [one.session, one.revision])).toEqual([["a", 1], ["b", 2]]);
    all.take(told({ type: "session.cancelled" }));
    all.take(told({ type: "session.missed", session: "b" }));
    expect(all.open).toEqual([]);
    expect(all.missed.map((one) => one.session)).toEqual(["b"]);
  });
  it("are over once they start", () => {
    const all = new Appointments();
    all.take(scheduled());
    all.started("a");
    all.started("unknown");
    expect(all.open).toEqual([]);
  });
  it("aren't a session's start or end, nor changed by a disclaimer", () => {
    expect(isAppointment({ type: "session.started" })).toBe(false);
    const all = new Appointments();
    all.take(scheduled());
    all.take(told({ type: "session.disclaimer", forms: { me: ["informed_consent"] } }));
    expect(all.open).toHaveLength(1);
  });
});
