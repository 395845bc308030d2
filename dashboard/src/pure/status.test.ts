import { expect, it } from "vitest";
import { shortId } from "@/pure/ids";
import { isFinished, lookOf, RUN_STATUSES } from "@/pure/status";

it("gives every run status a look of its own", () => {
  const glyphs = RUN_STATUSES.map((status) => lookOf(status).glyph);
  expect(new Set(glyphs).size).toBe(RUN_STATUSES.length);
});

it("shows a status it has never heard of by its own word", () => {
  expect(lookOf("needs_attention")).toMatchObject({ word: "needs attention", tone: "off" });
});

it("knows what is final", () => {
  expect(RUN_STATUSES.filter(isFinished)).toEqual(["failed", "succeeded", "cancelled"]);
});

it("tells neighbouring ids apart", () => {
  const a = shortId("0194a1b2-c3d4-7000-8000-0000000000aa");
  expect(a).not.toBe(shortId("0194a1b2-c3d4-7000-8000-0000000000ab"));
  expect(shortId("run_01J")).toBe("run_01J");
});
