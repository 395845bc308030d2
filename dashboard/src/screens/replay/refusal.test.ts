import { describe, expect, it } from "vitest";
import { makeChecker } from "@/pure/validate";
import { refusalInWords, syntaxInWords } from "@/screens/replay/refusal";

describe("syntaxInWords", () => {
  const check = makeChecker({ type: "object", properties: { n: { minimum: 1 } } });

  it("says in which line a text stops being JSON", () => {
    const text = '{\n  "n": 1,\n  "m": x\n}';
    expect(syntaxInWords(text, check(text))).toMatch(/^The input is no JSON yet, line 3: ./);
  });

  it("leaves what is JSON to the server, even when it breaks the schema known here", () => {
    expect(check('{"n": 0}')).toHaveLength(1);
    expect(syntaxInWords('{"n": 0}', check('{"n": 0}'))).toBe(null);
  });
});

describe("refusalInWords", () => {
  const rule = (path: string, text: string) => ({ where: "input of step s", path, rule: text });

  it("names the place and the rule", () => {
    expect(refusalInWords({ message: "No.", rules: [rule("/sentences", "must be at least 1")] })).toBe(
      "sentences must be at least 1",
    );
    expect(refusalInWords({ message: "No.", rules: [rule("", "must be an object"), rule("/a", "is missing")] })).toBe(
      "input of step s must be an object, and 1 more",
    );
  });

  it("says what the server said when no rule is named", () => {
    expect(refusalInWords({ message: "The run is gone.", rules: [] })).toBe("The run is gone.");
  });
});
