import { describe, expect, it } from "vitest";
import { foldFrames, tracebackText } from "@/pure/traceback";

const frame = (file: string, in_app: boolean) => ({
  file,
  line: 57,
  function: "summary",
  code: "resp = chat(prompt)",
  in_app,
});

describe("foldFrames", () => {
  it("folds each run of library frames between own code", () => {
    const parts = foldFrames([
      frame("a.py", true),
      frame("lib1.py", false),
      frame("lib2.py", false),
      frame("b.py", true),
    ]);
    expect(parts.map((part) => [part.folded, part.frames.length])).toEqual([
      [false, 1],
      [true, 2],
      [false, 1],
    ]);
  });

  it("hides nothing when no frame is the user's own", () => {
    expect(foldFrames([frame("lib.py", false)]).map((part) => part.folded)).toEqual([false]);
  });
});

it("prints a chain of exceptions as Python does", () => {
  const cause = { type: "OSError", message: "gone", retryable: true, frames: [], cause: null };
  const error = { type: "app.Refused", message: "no", retryable: true, frames: [frame("a.py", true)], cause };
  expect(tracebackText(error)).toBe(
    [
      "OSError: gone",
      "",
      "The above exception was the direct cause of the following exception:",
      "",
      "Traceback (most recent call last):",
      '  File "a.py", line 57, in summary',
      "    resp = chat(prompt)",
      "app.Refused: no",
    ].join("\n"),
  );
});
