/** A value found in the playground on its way into the code: a command that changes the one line that reads it. */

import { shell } from "@/pure/copyas";

interface Found {
  name: string;
  file: string;
  line: number;
  /** JSON literals. */
  before: string;
  after: string;
}

const WORDS: Record<string, string> = { true: "True", false: "False", null: "None" };

/** Lists and objects are spelt in too many ways in code for a pattern to find them. */
export function canPromote({ before, after }: Pick<Found, "before" | "after">): boolean {
  return !/^[[{]/.test(before) && !/^[[{]/.test(after);
}

/** Changes exactly that default on exactly that line, and nothing where the code reads otherwise by now. */
export function promotion({ name, file, line, before, after }: Found): string {
  const call = `(playground[(] *["']${pattern(name)}["'], *)`;
  const replacement = `\\1${inPython(after).replace(/[\\&#]/g, "\\$&")}\\2`;
  return [
    `# ${file}:${line}: ${name} was ${before}, becomes ${after}`,
    `sed -i -E ${shell(`${line}s#${call}${patternOf(before)}([,) ]|$)#${replacement}#`)} ${shell(file)}`,
  ].join("\n");
}

function inPython(literal: string): string {
  return literal.startsWith('"') ? JSON.stringify(JSON.parse(literal)) : (WORDS[literal] ?? literal);
}

function patternOf(literal: string): string {
  if (!literal.startsWith('"')) return pattern(inPython(literal));
  return `["']${pattern(inPython(literal).slice(1, -1))}["']`;
}

/** The text itself as an extended regular expression whose end is marked with `#`. */
function pattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|#]/g, (sign) => (sign === "\\" || sign === "^" ? `\\${sign}` : `[${sign}]`));
}
