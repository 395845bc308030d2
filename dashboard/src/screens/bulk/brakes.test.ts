import { expect, it } from "vitest";
import { brakesOf } from "@/screens/bulk/brakes";

it.each([
  ["running", 3, "pause abort"],
  ["paused", 3, "resume abort"],
  ["stopped", 3, "resume abort"],
  ["running", 0, ""],
  ["stopped", 0, ""],
  ["paused", 0, "resume"],
  ["finished", 0, ""],
  ["aborted", 3, ""],
] as const)("%s with %d waiting: %s", (state, waiting, brakes) => {
  expect(brakesOf({ state, progress: { waiting } }).join(" ")).toBe(brakes);
});
