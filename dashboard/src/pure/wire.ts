/**
 * Payloads on the wire, kept as text. The server embeds them as raw JSON; `JSON.parse` would round integers above 2^53
 * and forget how a number was spelt, so payload members are turned into text before anything parses the answer.
 */

declare const jsonText: unique symbol;
/** The exact text of a JSON value. */
export type JsonText = string & { readonly [jsonText]: true };

export function jsonTextOf(text: string): JsonText {
  return text as JsonText;
}

/** Members whose value is a payload or a schema, wherever they stand in an answer. */
const PAYLOADS = new Set([
  "input",
  "output",
  "value",
  "default",
  "override",
  "before",
  "after",
  "schema",
  "input_schema",
  "output_schema",
]);
/** Members whose own members have names that users chose. */
const USERS = new Set(["metadata", "labels"]);

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g;

/** Parses an answer; payload members come back as `JsonText`. */
export function parseAnswer(text: string): unknown {
  return JSON.parse(quotePayloads(text));
}

export function quotePayloads(text: string): string {
  const pieces: string[] = [];
  let copied = 0;
  const tokens = text.matchAll(TOKEN);
  let name = "";
  for (const token of tokens) {
    if (token[0] !== ":") {
      name = token[0];
      continue;
    }
    const member = name.slice(1, -1);
    if (!PAYLOADS.has(member) && !USERS.has(member)) continue;
    const [from, to] = valueSpan(tokens);
    if (USERS.has(member)) continue;
    pieces.push(text.slice(copied, from), JSON.stringify(text.slice(from, to)));
    copied = to;
  }
  pieces.push(text.slice(copied));
  return pieces.join("");
}

function valueSpan(tokens: Iterator<RegExpMatchArray>): [number, number] {
  let depth = 0;
  let from = -1;
  for (let next = tokens.next(); !next.done; next = tokens.next()) {
    const [token] = next.value;
    const at = next.value.index ?? 0;
    if (from < 0) from = at;
    if (token === "{" || token === "[") depth += 1;
    if (token === "}" || token === "]") depth -= 1;
    if (depth === 0) return [from, at + token.length];
  }
  throw new SyntaxError("The answer of the server ends inside a value.");
}

/** A payload inside a request: its text goes out as it stands. */
export class Raw {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** `JSON.stringify` for requests that carry payloads. Members that are `undefined` are left out. */
export function writeRequest(value: unknown): string {
  if (value instanceof Raw) return value.text;
  if (Array.isArray(value)) return `[${value.map(writeRequest).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value ?? null);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => `${JSON.stringify(name)}:${writeRequest(member)}`);
  return `{${members.join(",")}}`;
}
