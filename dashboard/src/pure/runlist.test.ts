import { describe, expect, it } from "vitest";
import type { RunSummary } from "@/api/contract";
import { newRunsWords, unseen, updateInPlace } from "@/pure/runlist";

const run = (id: string, at: number, status: RunSummary["status"] = "running") =>
  ({ id, status, created_at: `2026-11-22T12:00:${String(at).padStart(2, "0")}Z` }) as RunSummary;

describe("updateInPlace", () => {
  const pages = [
    { items: [run("c", 3), run("b", 2)], next_cursor: "x", searched_to: null },
    { items: [run("a", 1)], next_cursor: null, searched_to: null },
  ];

  it("keeps the order and touches one page only", () => {
    const next = updateInPlace(pages, run("b", 2, "failed"));
    expect(next[0]?.items.map((item) => `${item.id} ${item.status}`)).toEqual(["c running", "b failed"]);
    expect(next[1]).toBe(pages[1]);
  });

  it("changes nothing for a run that is not shown", () => {
    expect(updateInPlace(pages, run("z", 9))).toBe(pages);
  });
});

describe("unseen", () => {
  it("counts what is newer than the list, not what lies beyond its end", () => {
    const shown = [run("c", 3), run("b", 2)];
    const newest = [run("e", 5), run("d", 4), run("c", 3), run("a", 1)];
    expect(unseen(shown, newest).map((each) => each.id)).toEqual(["e", "d"]);
  });

  it("takes everything for an empty list", () => {
    expect(unseen([], [run("a", 1)])).toHaveLength(1);
  });
});

it("says how many", () => {
  expect([1, 12, 50].map((count) => newRunsWords(count, 50))).toEqual(["1 new run", "12 new runs", "50+ new runs"]);
});
