import { describe, expect, it } from "vitest";
import { isRunId, suggestions, wordAt } from "@/pure/suggest";

const words = (word: string) => suggestions(word, ["summarise", "sync", "charge"]).map((each) => each.word);

describe("suggestions", () => {
  it("offers keys, then their values", () => {
    expect(words("st")).toEqual(["status:", "step:"]);
    expect(words("status:f")).toEqual(["status:failed"]);
    expect(words("workflow:s")).toEqual(["workflow:summarise", "workflow:sync"]);
    expect(words("since:")).toContain("since:24h");
  });

  it("is silent when nothing is left to complete", () => {
    expect(words("status:failed")).toEqual([]);
    expect(words("input.lang:f")).toEqual([]);
  });
});

it("finds the word under the cursor, without its minus", () => {
  expect(wordAt("status:failed -wor", 18)).toEqual({ from: 15, word: "wor" });
  expect(wordAt("status:failed wor", 4)).toEqual({ from: 0, word: "stat" });
  expect(wordAt("a ", 2)).toEqual({ from: 2, word: "" });
});

it("recognises a run id", () => {
  expect(isRunId(" 0dkqg2v4s1t7r8p9o0n1m2l3k4 ".trim())).toBe(true);
  expect(isRunId("summarise")).toBe(false);
});
