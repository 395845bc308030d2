// @vitest-environment happy-dom
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

it("speaks Python, with literals as Python spells them", () => {
  expect(copyAs("Python", "r1", BODY, EDITS)).toBe(
    'run = await m.runs.get("r1")\nagain = await run.replay(from_step="summary", input={"doc": {"lang": "fr"}}, ' +
      'playground={"summary.temperature":0.0,"summary.strict":True}, reason="it\'s French")',
  );
  const whole = { from_beginning: true, input: new Raw('{"id": 1152921504606846977, "note": null}'), code: "same" };
  expect(copyAs("Python", "r1", whole, [])).toContain(
    'replay(from_beginning=True, run_input={"id": 1152921504606846977, "note": None}, code="same")',
  );
});

it("names the steps where there are several", () => {
  const body = { start_steps: ["a", "b"], inputs: { a: new Raw("1") } };
  expect(copyAs("Python", "r1", body, [])).toContain('from_step=["a","b"], input={"a":1}');
  const edits = [{ step: "a", op: "replace", path: "/x", after: jsonTextOf("1") }];
  expect(copyAs("CLI", "r1", body, edits)).toBe("mulligan replay r1 --from a --from b --set a.x=1");
});

it("says what it leaves out", () => {
  const body = { start_steps: ["a"], reset_playground: { a: ["heat"] } };
  const gone = [{ step: "a", op: "remove", path: "/doc/lang" }];
  const reset = "# left out, but curl can say it: the code's own default again for a: heat";
  const without = "# left out, but curl can say it: without a/doc/lang";
  expect(copyAs("Python", "r1", body, gone)).toBe(
    `${reset}\n${without}\nrun = await m.runs.get("r1")\nagain = await run.replay(from_step="a")`,
  );
  expect(copyAs("CLI", "r1", body, gone)).toBe(`${reset}\n${without}\nmulligan replay r1 --from a`);
  expect(copyAs("curl", "r1", body, gone)).not.toContain("#");
});

it("says what Python leaves out of a run input, which the command line gives as a whole", () => {
  const body = { from_beginning: true, input: new Raw('{"id":2,"tags":["x"]}') };
  const gone = [
    { step: "input", op: "remove", path: "/note" },
    { step: "input", op: "remove", path: "/tags/1" },
  ];
  expect(copyAs("Python", "r1", body, gone)).toBe(
    "# left out, but curl can say it: the run input without /note\n" +
      'run = await m.runs.get("r1")\n' +
      'again = await run.replay(from_beginning=True, run_input={"id":2,"tags":["x"]})',
  );
  expect(copyAs("CLI", "r1", body, gone)).toBe('mulligan replay r1 --from-beginning --input \'{"id":2,"tags":["x"]}\'');
});

it.each([
  ["/prices/gpt-4.1", "--set /prices/gpt-4.1=0"],
  ["/prices/gpt-4", "--set prices.gpt-4=0"],
  ["/tags/0/id", "--set tags.0.id=0"],
  ["/a~1b/c~0d", "--set '/a~1b/c~0d=0'"],
  ["/doc/", "--set /doc/=0"],
  ["/a[0]", "--set '/a[0]=0'"],
  ["/größe", "--set '/größe=0'"],
])("names the place %s so that the command line finds it", (path, said) => {
  const edits = [{ step: "a", op: "replace", path, after: jsonTextOf("0") }];
  expect(copyAs("CLI", "r1", { start_steps: ["a"] }, edits)).toBe(`mulligan replay r1 --from a ${said}`);
  const several = { start_steps: ["a", "b"] };
  expect(copyAs("CLI", "r1", several, edits)).toContain(` ${said.replace(/(--set '?)/, "$1a.")}`);
});

it("says which places have no words on the command line", () => {
  const edits = [{ step: "a", op: "replace", path: "/x=y", after: jsonTextOf("0") }];
  expect(copyAs("CLI", "r1", { start_steps: ["a"] }, edits)).toBe(
    "# left out, but curl can say it: the edit of a/x=y\nmulligan replay r1 --from a",
  );
  const dotted = [{ step: "a.b", op: "replace", path: "/x", after: jsonTextOf("0") }];
  expect(copyAs("CLI", "r1", { start_steps: ["a.b"] }, dotted)).toContain("--set x=0");
  expect(copyAs("CLI", "r1", { start_steps: ["a.b", "c"] }, dotted)).toBe(
    "# left out, but curl can say it: the edit of a.b/x\nmulligan replay r1 --from a.b --from c",
  );
});

it("gives an edited run input as a whole on the command line", () => {
  const edits = [{ step: "input", op: "replace", path: "/id", after: jsonTextOf("2") }];
  expect(copyAs("CLI", "r1", { from_beginning: true, input: new Raw('{ "id": 2 }') }, edits)).toBe(
    "mulligan replay r1 --from-beginning --input '{\"id\":2}'",
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
