import { describe, expect, it } from "vitest";
import { apply } from "../src/drafts";
import type { Op } from "../src/protocol";
import { Replay } from "../src/replay";

const OPS: Op[] = [[0, "i", 0, "I hate"], [900, "d", 2, 4], [400, "i", 2, "miss 👩‍👩‍👧"], [100, "i", 0, "Oh, "]];

function standing(replay: Replay): string { return replay.pieces().filter((p) => !p.gone).map((p) => p.text).join(""); }

describe("a composition played back", () => {
  it("stands at each moment as the draft stood", () => {
    const replay = new Replay(OPS);
    for (let at = 0; at <= OPS.length; at += 1) {
      replay.seek(at);
      expect(standing(replay)).toBe(apply("", OPS.slice(0, at)));
    }
  });

  it("shows what was deleted in its place, before what took it", () => {
    const replay = new Replay(OPS);
    replay.seek(4);
    expect(replay.pieces()).toEqual([
      { text: "Oh, I ", gone: false }, { text: "hate", gone: true }, { text: "miss 👩‍👩‍👧", gone: false },
    ]);
  });

  it("goes back as it goes forwards, and no further than its ends", () => {
    const replay = new Replay(OPS);
    replay.seek(99);
    expect(replay.ended).toBe(true);
    replay.seek(1);
    expect(replay.pieces()).toEqual([{ text: "I hate", gone: false }]);
    replay.seek(-1);
    expect(replay.pieces()).toEqual([]);
  });

  it("finds the next deletion, and knows the time of each moment", () => {
    const replay = new Replay(OPS);
    expect(replay.nextDeletion()).toBe(2);
    replay.seek(2);
    expect(replay.nextDeletion()).toBeNull();
    expect(replay.times).toEqual([0, 900, 1_300, 1_400]);
  });

  it("deletes what stands, past what is gone already", () => {
    const replay = new Replay([[0, "i", 0, "abcd"], [0, "d", 1, 1], [0, "d", 0, 2]]);
    replay.seek(3);
    expect(replay.pieces()).toEqual([{ text: "abc", gone: true }, { text: "d", gone: false }]);
  });
});
