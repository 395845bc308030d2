import { expect, it } from "vitest";
import { lineageRows } from "@/pure/lineage";

const run = (id: string, source_id: string | null) => ({ id, source_id });
const rows = (...runs: ReturnType<typeof run>[]) => lineageRows(runs).map((row) => row.map(({ id }) => id).join(""));

it("keeps a chain of replays of replays in one row", () => {
  expect(rows(run("a", null), run("b", "a"), run("c", "b"))).toEqual(["abc"]);
});

it("gives another replay of the same run a row of its own", () => {
  expect(rows(run("a", null), run("b", "a"), run("c", "a"), run("d", "a"))).toEqual(["ab", "c", "d"]);
});

it("goes on with the row that ends with the source", () => {
  expect(rows(run("a", null), run("b", "a"), run("c", "a"), run("d", "b"), run("e", "c"))).toEqual(["abd", "ce"]);
});

it("shows a run whose source is gone", () => {
  expect(rows(run("b", "a"), run("c", "b"))).toEqual(["bc"]);
  expect(rows()).toEqual([]);
});
