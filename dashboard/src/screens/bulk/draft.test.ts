import { describe, expect, it } from "vitest";
import type { EditOperation } from "@/api/contract";
import { writeRequest } from "@/pure/wire";
import { bulkBodyOf, CAREFUL, canaryStages, draftOf, patchText, problemOf, stagesInWords } from "@/screens/bulk/draft";
import { shapeOf } from "../../../tests/show";

const BIG = "1152921504606846977";
const EDIT = shapeOf<EditOperation>(`{"op": "replace", "path": "/doc/id", "value": ${BIG}}`);

describe("a bulk replay", () => {
  it("does to all what was done to one, to the letter", () => {
    const replay = {
      source_id: "a",
      author: "me",
      reason: "French",
      created_at: "",
      start_steps: ["summary"],
      from_beginning: false,
      code: "latest",
      kept: {},
      edits: { summary: [EDIT], input: [EDIT] },
      overrides: shapeOf<{ overrides: never }>('{"overrides": {"summary": {"temperature": 0.0}}}').overrides,
    };
    const body = bulkBodyOf({ ...CAREFUL, ...draftOf(replay) }, { q: "fingerprint:f", ids: ["x"] });
    expect(JSON.parse(writeRequest(body))).toEqual({
      q: "fingerprint:f",
      ids: ["x"],
      request: {
        code: "latest",
        playground: { summary: { temperature: 0 } },
        start_steps: ["summary"],
        patches: { summary: [{ op: "replace", path: "/doc/id", value: Number(BIG) }] },
        input_patch: [{ op: "replace", path: "/doc/id", value: Number(BIG) }],
        reason: "French",
      },
      canary: [1, 0.1],
      stop_after: 2,
      stop_on_new: true,
    });
    expect(writeRequest(body)).toContain(`"value":${BIG}}`);
    expect(writeRequest(body)).toContain('"temperature":0.0');
  });

  it("has no brakes that were taken off", () => {
    const body = bulkBodyOf({ ...CAREFUL, canary: false, stopAfter: "", stopOnNew: false }, { q: "status:failed" });
    expect(body).toEqual({ q: "status:failed", request: { code: "latest" }, canary: [], stop_on_new: false });
  });

  it("says what cannot be sent", () => {
    expect(problemOf(CAREFUL)).toBeNull();
    expect(problemOf({ ...CAREFUL, patches: { s: patchText([EDIT]) } })).toBeNull();
    expect(problemOf({ ...CAREFUL, patches: { s: "[{" } })).toContain("no JSON yet");
    expect(problemOf({ ...CAREFUL, patches: { input: "{}" } })).toContain("the run input has to be a list");
    expect(problemOf({ ...CAREFUL, rate: "fast" })).toContain("rate");
    expect(problemOf({ ...CAREFUL, stopAfter: "0" })).toContain("whole number");
  });
});

it("counts the stages of a canary as the server does", () => {
  expect(canaryStages(1)).toEqual([1]);
  expect(canaryStages(8)).toEqual([1, 8]);
  expect(canaryStages(200)).toEqual([1, 20, 200]);
  expect(stagesInWords(canaryStages(200))).toBe("1, then 20, then all 200");
});
