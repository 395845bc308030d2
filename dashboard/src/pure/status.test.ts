import { expect, it } from "vitest";
import { shortId } from "@/pure/ids";
import { failedSteps, isFinished, lookOf, lookOfBulk, RUN_STATUSES } from "@/pure/status";

it("gives every run status a look of its own", () => {
  const glyphs = RUN_STATUSES.map((status) => lookOf(status).glyph);
  expect(new Set(glyphs).size).toBe(RUN_STATUSES.length);
});

it("shows a status it has never heard of by its own word", () => {
  expect(lookOf("needs_attention")).toMatchObject({ word: "needs attention", tone: "off" });
});

it("says of a bulk replay that came to its end how that end was", () => {
  const ends = (succeeded: number, failed: number, refused: number) =>
    lookOfBulk("finished", { succeeded, failed, refused });
  expect(ends(7, 0, 0)).toMatchObject({ word: "finished", tone: "good" });
  expect(ends(7, 3, 0)).toMatchObject({ word: "finished, 3 failed", tone: "wait" });
  expect(ends(1, 1200, 200)).toMatchObject({ word: "finished, 1,000 failed, 200 refused", tone: "wait" });
  expect(ends(0, 2, 2)).toMatchObject({ word: "finished, 2 refused", tone: "bad" });
  expect(lookOfBulk("running", { succeeded: 0, failed: 2, refused: 0 })).toMatchObject({ word: "running" });
});

it("knows what is final", () => {
  expect(RUN_STATUSES.filter(isFinished)).toEqual(["failed", "succeeded", "cancelled"]);
});

it("tells neighbouring ids apart", () => {
  const a = shortId("0194a1b2-c3d4-7000-8000-0000000000aa");
  expect(a).not.toBe(shortId("0194a1b2-c3d4-7000-8000-0000000000ab"));
  expect(shortId("run_01J")).toBe("run_01J");
});

it("names every ordinary step that failed", () => {
  const steps = [
    { name: "a", status: "failed", kind: "call" },
    { name: "b", status: "succeeded", kind: "call" },
    { name: "c", status: "failed", kind: "sleep" },
    { name: "sorry", status: "failed", kind: "on_failure" },
  ];
  expect(failedSteps(steps)).toEqual(["a", "c"]);
});
