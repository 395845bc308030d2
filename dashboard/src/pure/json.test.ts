import { describe, expect, it } from "vitest";
import { compactJson } from "@/pure/compact";
import {
  literalAt,
  placeAt,
  pointerWords,
  prettyJson,
  readJson,
  removeMember,
  sameJson,
  setLiteral,
} from "@/pure/json";

const BIG = '{"id": 1152921504606846977, "b": 1.0, "a": 1e2, "a/b": {"~": [true, null]}}';

describe("readJson", () => {
  it("maps each pointer to its literal, with / and ~ escaped", () => {
    expect(literalAt(BIG, "/id")).toBe("1152921504606846977");
    expect(literalAt(BIG, "/b")).toBe("1.0");
    expect(literalAt(BIG, "/a")).toBe("1e2");
    expect(literalAt(BIG, "/a~1b/~0/1")).toBe("null");
    expect(literalAt(BIG, "")).toBe(BIG);
    expect(literalAt(BIG, "/nothing")).toBeUndefined();
  });

  it("knows the span of a member's name", () => {
    const key = readJson(BIG).places.get("/id")?.key;
    expect(key && BIG.slice(key.from, key.to)).toBe('"id"');
  });

  it.each([
    ["{'a': 1}", "double quotes"],
    ['{"a": 1,}', "name in double quotes"],
    ['{"a" 1}', "colon"],
    ["[1 2]", "comma"],
    ["[1, 2", "]"],
    ['{"a": 1} 2', "Nothing may follow"],
    ["// no\n1", "comments"],
    ["  ", "expected"],
    ['"open', "not closed"],
  ])("refuses %s in words", (text, words) => {
    expect(
      readJson(text)
        .problems.map((problem) => problem.message)
        .join("\n"),
    ).toContain(words);
  });

  it("falls back to the nearest parent of something missing", () => {
    expect(placeAt(readJson(BIG).places, "/a~1b/missing/deeper")?.kind).toBe("object");
  });
});

describe("prettyJson", () => {
  it("changes white space only", () => {
    const pretty = prettyJson(BIG);
    expect(pretty).toContain('\n  "id": 1152921504606846977,\n  "b": 1.0,\n  "a": 1e2,');
    expect(compactJson(pretty)).toBe(compactJson(BIG));
  });

  it("returns broken JSON as it is", () => {
    expect(prettyJson("{nope")).toBe("{nope");
  });

  it("compacts without touching text literals", () => {
    expect(compactJson('{ "a b" : "c  \\" d" , "e": [ 1 , 2 ] }')).toBe('{"a b":"c  \\" d","e":[1,2]}');
  });
});

describe("setLiteral", () => {
  it("replaces one literal and keeps every other byte", () => {
    expect(setLiteral(BIG, "/b", "2")).toBe(BIG.replace("1.0", "2"));
  });

  it("appends a missing member in the style of the text", () => {
    expect(setLiteral('{"a": 1}', "/b", "2")).toBe('{"a": 1, "b": 2}');
    expect(setLiteral('{\n  "a": 1\n}', "/b", "2")).toBe('{\n  "a": 1,\n  "b": 2\n}');
    expect(setLiteral("{}", "/b", "2")).toBe('{"b": 2}');
  });

  it("makes the parents it needs", () => {
    expect(setLiteral('{"doc": null}', "/doc/lang", '"fr"')).toBe('{"doc": {"lang": "fr"}}');
    expect(setLiteral("{}", "/doc/lang", '"fr"')).toBe('{"doc": {"lang": "fr"}}');
  });

  it("is not misled by a sibling whose name starts the same", () => {
    expect(setLiteral('{"a": {"x": 1}, "ab": {"y": 2}}', "/a/z", "3")).toBe('{"a": {"x": 1, "z": 3}, "ab": {"y": 2}}');
  });
});

describe("removeMember", () => {
  it.each([
    ['{"a": 1, "b": 2}', "/a", '{"b": 2}'],
    ['{"a": 1, "b": 2}', "/b", '{"a": 1}'],
    ['{"a": 1}', "/a", "{}"],
    ['{\n  "a": 1,\n  "b": 2\n}', "/b", '{\n  "a": 1\n}'],
    ["[1, 2]", "/0", "[1, 2]"],
  ])("%s without %s", (text, pointer, expected) => {
    expect(removeMember(text, pointer)).toBe(expected);
  });
});

it("compares literal for literal", () => {
  expect(sameJson('{"a": 1}', '{ "a":1 }')).toBe(true);
  expect(sameJson("1.0", "1")).toBe(false);
  expect(sameJson("9007199254740993", "9007199254740992")).toBe(false);
});

it("writes a pointer as people do", () => {
  expect(pointerWords("/doc/tags/0/name")).toBe("doc.tags[0].name");
  expect(pointerWords("")).toBe("");
});

it("says where a text gets too deep, instead of drowning in it", () => {
  const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
  expect(readJson(nested(100)).problems).toEqual([]);
  expect(readJson(nested(100)).places.size).toBe(100);
  const { problems } = readJson(nested(10_000));
  expect(problems).toEqual([{ from: 100, to: 101, message: "This is more than 100 levels deep; flatten it." }]);
  expect(prettyJson(nested(10_000))).toBe(nested(10_000));
});
