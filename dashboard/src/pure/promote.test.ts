// @vitest-environment node
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { canPromote, promotion } from "@/pure/promote";

/** What is left of `code` when the command has been run on its second line. */
function promoted(code: string, name: string, before: string, after: string): string {
  const file = join(mkdtempSync(join(tmpdir(), "promote-")), "it's an app.py");
  writeFileSync(file, `# first\n${code}\n${code}\n`);
  execFileSync("sh", ["-c", promotion({ name, file, line: 2, before, after })]);
  const [, second = "", third] = readFileSync(file, "utf8").split("\n");
  expect(third).toBe(code);
  return second;
}

it("changes a default where it is read, and nowhere else", () => {
  expect(promoted('n = ctx.playground("words", 3, min=3)', "words", "3", "2")).toBe(
    'n = ctx.playground("words", 2, min=3)',
  );
  expect(promoted("b = ctx.playground('on', True)", "on", "true", "false")).toBe("b = ctx.playground('on', False)");
});

it("takes any text to the letter", () => {
  const after = JSON.stringify('what\'s "#1" & \\1?\n100 %');
  const line = promoted("p = ctx.playground('prompt', 'Sum (it) up. #1|2')", "prompt", '"Sum (it) up. #1|2"', after);
  expect(line).toBe(`p = ctx.playground('prompt', ${after})`);
});

it("leaves code alone that has another default by now", () => {
  expect(promoted('ctx.playground("words", 30)', "words", "3", "2")).toBe('ctx.playground("words", 30)');
});

it("is not offered for lists and objects", () => {
  expect(canPromote({ before: "[1]", after: "[2]" })).toBe(false);
  expect(canPromote({ before: "1", after: "2.50" })).toBe(true);
});
