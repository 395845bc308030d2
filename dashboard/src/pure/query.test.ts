import { describe, expect, it } from "vitest";
import { formatQuery, parseQuery, plainValue, type Term, term, withKey, withoutTerm } from "@/pure/query";

const plain = (key: string | null, value: string, rest: Partial<Term> = {}): Term => ({
  key,
  value,
  operator: "is",
  negated: false,
  ...rest,
});

describe("parseQuery", () => {
  it("reads every form of the grammar", () => {
    expect(
      parseQuery(
        'status:failed workflow:x input.lang:fr error:~RateLimit attempt:>1 since:24h -tag:test "two words" boom',
      ).terms,
    ).toEqual([
      plain("status", "failed"),
      plain("workflow", "x"),
      plain("input.lang", "fr"),
      plain("error", "RateLimit", { operator: "contains" }),
      plain("attempt", "1", { operator: "gt" }),
      plain("since", "24h"),
      plain("tag", "test", { negated: true }),
      plain(null, "two words"),
      plain(null, "boom"),
    ]);
  });

  it("reads >= and <= as one operator", () => {
    expect(parseQuery("attempt:>=2 took:<=5s").terms.map((each) => each.operator)).toEqual(["ge", "le"]);
  });

  it("keeps an address with a scheme as one bare word", () => {
    expect(parseQuery("https://example.org/a:b").terms).toEqual([plain(null, "https://example.org/a:b")]);
  });

  it("keeps colons inside a value", () => {
    expect(parseQuery("error:~a:b:c").terms).toEqual([plain("error", "a:b:c", { operator: "contains" })]);
  });

  it("names an unclosed quote and where it starts", () => {
    const { terms, problems } = parseQuery('status:failed error:~"rate');
    expect(terms).toEqual([plain("status", "failed")]);
    expect(problems).toEqual([{ from: 14, to: 26, message: expect.stringContaining("not closed") }]);
  });

  it("names a key without a value and goes on with the rest", () => {
    const { terms, problems } = parseQuery("status: workflow:x");
    expect(problems[0]?.message).toContain('"status:" needs a value');
    expect(terms).toEqual([plain("workflow", "x")]);
  });

  it("takes an explicitly empty value", () => {
    expect(parseQuery('tag:""').terms).toEqual([plain("tag", "")]);
  });
});

describe("formatQuery", () => {
  const awkward: Term[] = [
    plain("error", 'say "no" \\ now', { operator: "contains" }),
    plain("tag", ""),
    plain("input.text", ">not an operator"),
    plain(null, "-minus"),
    plain(null, "key:value"),
    plain(null, "two words", { negated: true }),
    plain("attempt", "3", { operator: "le", negated: true }),
  ];

  it.each(awkward.map((each) => [formatQuery([each]), each] as const))("reads back %s", (text, expected) => {
    expect(parseQuery(text)).toEqual({ terms: [expected], problems: [] });
  });

  it("is stable over a round trip", () => {
    const text = formatQuery(awkward);
    expect(formatQuery(parseQuery(text).terms)).toBe(text);
  });
});

describe("editing by key", () => {
  it("replaces a term in its place", () => {
    expect(withKey("a:1 status:failed b:2", "status", "running")).toBe("a:1 status:running b:2");
  });

  it("adds what is missing at the end and removes on null", () => {
    expect(withKey("a:1", "since", "24h")).toBe("a:1 since:24h");
    expect(withKey("a:1 since:24h", "since", null)).toBe("a:1");
  });

  it("leaves a negated term of the same key alone", () => {
    expect(withKey("-status:failed", "status", "running")).toBe("-status:failed status:running");
  });

  it("removes one chip", () => {
    expect(withoutTerm("a:1 b:2 c:3", 1)).toBe("a:1 c:3");
  });

  it("finds a plain value only", () => {
    expect(plainValue("-status:failed status:running", "status")).toBe("running");
    expect(plainValue("error:~x", "error")).toBeNull();
    expect(formatQuery([term("a", "b")])).toBe("a:b");
  });
});
