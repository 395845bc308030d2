import { expect, it } from "vitest";
import { copyAs, shell } from "@/pure/copyas";
import { jsonTextOf, Raw } from "@/pure/wire";

const BODY = {
  start_steps: ["summary"],
  inputs: { summary: new Raw('{"doc": {"lang": "fr"}}') },
  playground: { summary: { temperature: new Raw("0.0"), strict: new Raw("true") } },
  reason: "it's French",
};
const EDITS = [{ step: "summary", op: "replace", path: "/doc/lang", after: jsonTextOf('"fr"') }];

it("speaks Python", () => {
  expect(copyAs("Python", "r1", BODY, EDITS)).toBe(
    'import json\n\nrun = await m.runs.get("r1")\nagain = await run.replay(from_step="summary", ' +
      'input=json.loads("{\\"doc\\": {\\"lang\\": \\"fr\\"}}"), playground={"temperature": 0.0, "strict": True}, reason="it\'s French")',
  );
});

it("speaks the command line, quoted for the shell", () => {
  expect(copyAs("CLI", "r1", BODY, EDITS)).toBe(
    "mulligan replay r1 --from summary --set 'doc.lang=\"fr\"' --playground summary.temperature=0.0 " +
      "--playground summary.strict=true --reason 'it'\\''s French'",
  );
});

it("speaks curl, with the payload to the letter and the token from the environment", () => {
  const text = copyAs("curl", "r1", { input: new Raw("1.0") }, []);
  expect(text).toContain("/api/v1/runs/r1/replay");
  expect(text).toContain("$MULLIGAN_TOKEN");
  expect(text).toContain("-d '{\"input\":1.0}'");
});

it("quotes only what needs it", () => {
  expect(shell("doc.lang=fr")).toBe("doc.lang=fr");
  expect(shell("$(rm)")).toBe("'$(rm)'");
});
