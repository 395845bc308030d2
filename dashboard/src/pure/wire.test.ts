import { describe, expect, it } from "vitest";
import { parseAnswer, Raw, writeRequest } from "@/pure/wire";

describe("parseAnswer", () => {
  it("keeps payloads to the letter", () => {
    const text =
      '{"id": "r", "input": {"id": 1152921504606846977, "x":  1.0}, "steps": [{"output": "\\u00e9", "n": 1}]}';
    expect(parseAnswer(text)).toEqual({
      id: "r",
      input: '{"id": 1152921504606846977, "x":  1.0}',
      steps: [{ output: '"\\u00e9"', n: 1 }],
    });
  });

  it("does not look inside a payload", () => {
    expect(parseAnswer('{"input":{"output":{"value":1}},"value":null}')).toEqual({
      input: '{"output":{"value":1}}',
      value: "null",
    });
  });

  it("is not misled by text that looks like JSON", () => {
    expect(parseAnswer('{"message":"\\"input\\": {1}","name":"value","input":[]}')).toEqual({
      message: '"input": {1}',
      name: "value",
      input: "[]",
    });
  });

  it("leaves names alone that users chose", () => {
    expect(parseAnswer('{"metadata":{"value":"x","input":"y"},"value":7}')).toEqual({
      metadata: { value: "x", input: "y" },
      value: "7",
    });
  });

  it("finds overrides under the names of steps and variables, and leaves a list of that name alone", () => {
    expect(
      parseAnswer(
        '{"replay":{"overrides":{"input":{"value":0.20,"big":[1.0]},"*":{}},"reason":"x"},"steps":[{"overrides":["value"]}],"overrides":[{"step":"s","after":1.0}]}',
      ),
    ).toEqual({
      replay: { overrides: { input: { value: "0.20", big: "[1.0]" }, "*": {} }, reason: "x" },
      steps: [{ overrides: ["value"] }],
      overrides: [{ step: "s", after: "1.0" }],
    });
  });

  it("reports a cut answer", () => {
    expect(() => parseAnswer('{"input":{"a":')).toThrow(SyntaxError);
  });
});

it("writes payloads as they stand and leaves out what is undefined", () => {
  const request = {
    inputs: { s: new Raw('{"a": 1.0}') },
    reason: "why",
    code: undefined,
    list: [1, null],
    deep: { x: true },
  };
  expect(writeRequest(request)).toBe('{"inputs":{"s":{"a": 1.0}},"reason":"why","list":[1,null],"deep":{"x":true}}');
});
