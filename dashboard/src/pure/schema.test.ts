import { describe, expect, it } from "vitest";
import { type Field, formFields, kindOf, literalOf, readSchema, skeletonText, typedOf } from "@/pure/schema";
import { makeChecker } from "@/pure/validate";

/** As Pydantic writes the input of `summary(doc: Doc, pieces: list[str])`. */
const SUMMARY = {
  $defs: {
    Doc: {
      type: "object",
      properties: {
        id: { type: "integer", minimum: 1, description: "row id" },
        lang: { $ref: "#/$defs/Lang" },
        note: { anyOf: [{ type: "string", maxLength: 3 }, { type: "null" }], default: null },
      },
      required: ["id"],
      additionalProperties: false,
    },
    Lang: { enum: ["en", "fr"], type: "string" },
  },
  type: "object",
  properties: { doc: { $ref: "#/$defs/Doc" }, pieces: { type: "array", items: { type: "string" }, minItems: 1 } },
  required: ["doc", "pieces"],
};

const flat = (fields: Field[]): Field[] => fields.flatMap((field) => [field, ...flat(field.fields)]);

describe("formFields", () => {
  const fields = flat(formFields(SUMMARY));
  const at = (pointer: string) => fields.find((field) => field.pointer === pointer);

  it("follows references into groups", () => {
    expect(fields.map((field) => `${field.pointer} ${field.kind}`)).toEqual([
      "/doc group",
      "/doc/id integer",
      "/doc/lang choice",
      "/doc/note text",
      "/pieces json",
    ]);
  });

  it("keeps bounds, help, choices and what may be missing or null", () => {
    expect(at("/doc/id")).toMatchObject({ required: true, minimum: 1, help: "row id" });
    expect(at("/doc/lang")).toMatchObject({ required: false, choices: ['"en"', '"fr"'] });
    expect(at("/doc/note")).toMatchObject({ nullable: true });
  });

  it("ends on a schema that contains itself", () => {
    const tree = { $defs: { T: { type: "object", properties: { next: { $ref: "#/$defs/T" } } } }, $ref: "#/$defs/T" };
    expect(flat(formFields(tree)).length).toBeLessThan(10);
  });

  it("offers nothing for a schema without members", () => {
    expect(formFields(readSchema(""))).toEqual([]);
    expect(formFields({ type: "string" })).toEqual([]);
  });
});

it("gives long text several lines", () => {
  expect(kindOf({ type: "string", default: "a\nb" })).toBe("multiline");
  expect(kindOf({ type: "string", "x-mulligan-multiline": true })).toBe("multiline");
  expect(kindOf({ type: "string", default: "short" })).toBe("text");
});

describe("literalOf and typedOf", () => {
  it("keeps a number's own spelling", () => {
    expect(literalOf("integer", " 1152921504606846977 ")).toEqual({ literal: "1152921504606846977" });
    expect(literalOf("number", "1.50")).toEqual({ literal: "1.50" });
  });

  it.each([
    ["integer", "1.5", "whole number"],
    ["number", "12px", "a number"],
    ["number", "01", "a number"],
    ["json", "{nope", "JSON"],
  ] as const)("refuses %s %s", (kind, typed, words) => {
    expect(literalOf(kind, typed)).toEqual({ problem: expect.stringContaining(words) });
  });

  it("turns text into a literal and back", () => {
    const typed = 'line "one"\nline two';
    const written = literalOf("multiline", typed);
    expect("literal" in written && typedOf("multiline", written.literal)).toBe(typed);
  });
});

describe("makeChecker", () => {
  const check = makeChecker(SUMMARY);
  const said = (text: string) => check(text).map((problem) => `${problem.pointer}: ${problem.message}`);

  it("accepts what fits, with an integer above 2^53", () => {
    expect(check('{"doc": {"id": 1152921504606846977, "note": null}, "pieces": ["a"]}')).toEqual([]);
  });

  it("reports leaves only, in words, without repeating their parents", () => {
    expect(said('{"doc": {"id": 0, "lang": "de", "extra": 1}, "pieces": [1]}')).toEqual([
      "/doc/id: must be at least 1",
      '/doc/lang: must be "en" or "fr"',
      '/doc/extra: "extra" is not allowed here',
      "/pieces/0: must be text",
    ]);
  });

  it("says all accepted types at once, and only the useful rule of a nullable value", () => {
    expect(said('{"doc": {"id": 1, "note": 5}, "pieces": ["a"]}')).toEqual(["/doc/note: must be text or null"]);
    expect(said('{"doc": {"id": 1, "note": "long"}, "pieces": ["a"]}')).toEqual([
      "/doc/note: must have at most 3 characters",
    ]);
  });

  it("puts the mark on the value's own place", () => {
    const text = '{\n  "doc": {"id": "x"},\n  "pieces": ["a"]\n}';
    const [problem] = check(text);
    expect(problem && text.slice(problem.from, problem.to)).toBe('"x"');
  });

  it("marks only the bracket when a member is missing", () => {
    const text = '{"doc": {}, "pieces": ["a"]}';
    const [problem] = check(text);
    expect(problem?.message).toBe('"id" is missing');
    expect(problem && text.slice(problem.from, problem.to)).toBe("{");
  });

  it("says syntax first and once", () => {
    expect(check('{"doc": }').map((problem) => problem.rule)).toEqual(["syntax"]);
  });
});

it("starts a form with what is required", () => {
  expect(JSON.parse(skeletonText(SUMMARY))).toEqual({ doc: { id: 0 }, pieces: [] });
  expect(skeletonText({})).toBe("{}");
});
