import { describe, expect, it } from "vitest";
import { type Attempt, waterfall } from "@/pure/waterfall";

const T0 = Date.parse("2026-11-22T12:00:00Z");
const iso = (ms: number) => new Date(T0 + ms).toISOString();
const attempt = (
  n: number,
  queued: number,
  started: number | null,
  finished: number | null,
  outcome = "failed",
): Attempt => ({
  attempt: n,
  outcome,
  queued_at: iso(queued),
  started_at: started === null ? null : iso(started),
  finished_at: finished === null ? null : iso(finished),
});

describe("waterfall", () => {
  const drawn = waterfall(
    [
      { name: "fetch", spans: [attempt(1, 0, 100, 400, "succeeded")] },
      { name: "summary", spans: [attempt(1, 400, 500, 1000), attempt(2, 3000, 3000, 10_000)] },
      { name: "publish", spans: [] },
    ],
    T0 + 99_000,
  );
  const kinds = (lane: number) => drawn.lanes[lane]?.bars.map((bar) => [bar.kind, bar.ms]);

  it("spans from the first queueing to the last end", () => {
    expect(drawn.span).toBe(10_000);
  });

  it("shows waiting, running and the gap before a retry", () => {
    expect(kinds(0)).toEqual([
      ["queue", 100],
      ["run", 300],
    ]);
    expect(kinds(1)).toEqual([
      ["queue", 100],
      ["run", 500],
      ["gap", 2000],
      ["run", 7000],
    ]);
    expect(kinds(2)).toEqual([]);
  });

  it("keeps every bar inside the picture", () => {
    for (const bar of drawn.lanes.flatMap((lane) => lane.bars)) {
      expect(bar.from).toBeGreaterThanOrEqual(0);
      expect(bar.to).toBeLessThanOrEqual(1);
      expect(bar.to).toBeGreaterThan(bar.from);
    }
  });

  it("marks round moments, few of them", () => {
    expect(drawn.ticks.map((tick) => tick.ms)).toEqual([0, 2000, 4000, 6000, 8000, 10_000]);
  });

  it("marks whole days in a run of years", () => {
    const day = 86_400_000;
    const { ticks } = waterfall([{ name: "a", spans: [attempt(1, 0, 0, 900.5 * day)] }], T0);
    expect(ticks.map((tick) => tick.ms / day)).toEqual([0, 113, 226, 339, 452, 565, 678, 791]);
  });

  it("lets what runs grow up to now", () => {
    const live = waterfall([{ name: "a", spans: [attempt(1, 0, 1000, null, "running")] }], T0 + 5000);
    expect(live.span).toBe(5000);
    expect(live.lanes[0]?.bars.map((bar) => bar.ms)).toEqual([1000, 4000]);
  });

  it("has something to draw before anything began", () => {
    expect(waterfall([{ name: "a", spans: [] }], T0).lanes[0]?.bars).toEqual([]);
  });
});
