import { describe, expect, it } from "vitest";
import { writeRequest } from "@/pure/wire";
import {
  brokenElsewhere,
  changedSteps,
  readDraft,
  requestOf,
  startingAtChanges,
  UNTOUCHED,
  withInput,
  withOverride,
  withoutChanges,
} from "@/screens/replay/draft";

describe("requestOf", () => {
  it("says nothing about what was not changed", () => {
    expect(requestOf(UNTOUCHED)).toEqual({ code: "latest" });
    expect(changedSteps(UNTOUCHED)).toEqual([]);
  });

  it("carries edits to the letter", () => {
    let draft = { ...UNTOUCHED, startSteps: ["summary"], reason: "  French please ", freshKey: true };
    draft = withInput(draft, "summary", '{"id": 1152921504606846977}');
    draft = withOverride(draft, "summary", "temperature", "0.0");
    draft = withOverride(draft, "summary", "model", null);
    expect(writeRequest(requestOf(draft))).toBe(
      '{"code":"latest","start_steps":["summary"],"inputs":{"summary":{"id": 1152921504606846977}},' +
        '"playground":{"summary":{"temperature":0.0}},"reset_playground":{"summary":["model"]},' +
        '"reason":"French please","fresh_key":true}',
    );
  });

  it("names no steps when everything runs", () => {
    expect(requestOf({ ...UNTOUCHED, fromBeginning: true, startSteps: ["a"], input: "{}" })).toMatchObject({
      from_beginning: true,
      input: { text: "{}" },
    });
    expect(requestOf({ ...UNTOUCHED, fromBeginning: true, startSteps: ["a"] })).not.toHaveProperty("start_steps");
  });
});

it("forgets a change that was taken back", () => {
  const edited = withOverride(withInput(UNTOUCHED, "s", "1"), "s", "heat", "1");
  expect(changedSteps(edited)).toEqual(["s"]);
  expect(withoutChanges(edited, "s")).toEqual(UNTOUCHED);
  expect(withOverride(withInput(edited, "s", null), "s", "heat", undefined)).toEqual(UNTOUCHED);
});

it("reads a draft that was kept, and nothing that is none", () => {
  const draft = withOverride(withInput({ ...UNTOUCHED, startSteps: ["s"] }, "s", '{"id": 1}'), "s", "heat", null);
  expect(readDraft(JSON.stringify(draft))).toEqual(draft);
  for (const text of ["null", "[]", "1", "{}", JSON.stringify({ ...draft, inputs: { s: 1 } })]) {
    expect(readDraft(text)).toBe(null);
  }
});

describe("changes at several steps", () => {
  const both = withOverride(withInput({ ...UNTOUCHED, startSteps: ["b"] }, "a", "{}"), "b", "heat", "1");

  it("start all of them, wherever Replay is pressed", () => {
    expect(startingAtChanges(both, "b").startSteps).toEqual(["b", "a"]);
    expect(startingAtChanges({ ...both, startSteps: ["a"] }, "b").startSteps).toEqual(["a"]);
    expect(startingAtChanges({ ...both, fromBeginning: true }, "b").startSteps).toEqual(["b"]);
    expect(requestOf(startingAtChanges(both, "b"))).toMatchObject({ inputs: { a: { text: "{}" } }, playground: {} });
  });

  it("start beside what failed, where that is what starts", () => {
    const free = { ...both, startSteps: [] };
    expect(startingAtChanges(free, null, ["a", "b"])).toBe(free);
    expect(startingAtChanges(free, null, ["b", "c"]).startSteps).toEqual(["b", "c", "a"]);
  });

  it("cannot be sent while one of them is no JSON", () => {
    expect(brokenElsewhere(both, "b")).toBe(null);
    const broken = withInput(both, "a", "{");
    expect(brokenElsewhere(broken, "b")).toContain("step a");
    expect(brokenElsewhere(broken, "a")).toBe(null);
    expect(brokenElsewhere({ ...both, input: "" }, "b")).toContain("the run");
    expect(brokenElsewhere({ ...both, input: "" }, null)).toBe(null);
  });
});
