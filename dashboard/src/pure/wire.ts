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
  "detail",
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
/** Payloads by step and variable, two levels below; as a list they hold ordinary objects. */
const BY_STEP = new Set(["overrides", "playground"]);

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g;

/** Parses an answer; payload members come back as `JsonText`. */
export function parseAnswer(text: string): unknown {
  return JSON.parse(quotePayloads(text));
}

export function quotePayloads(text: string): string {
  const pieces: string[] = [];
  const tokens = text.matchAll(TOKEN);
  let copied = 0;
  let depth = 0;
  /** The depth inside the object by step that is being read. */
  let byStep: number | null = null;
  let name = "";
  for (const [token] of tokens) {
    depth += depthChange(token);
    if (token === "{" && name.endsWith(":") && BY_STEP.has(name.slice(1, -2))) byStep ??= depth;
    if (byStep !== null && depth < byStep) byStep = null;
    const member = name.slice(1, -1);
    name = token === ":" ? `${name}:` : token;
    if (token !== ":" || depth === byStep) continue;
    const isPayload = byStep === null ? PAYLOADS.has(member) : depth === byStep + 1;
    if (!isPayload && !USERS.has(member)) continue;
    const [from, to] = valueSpan(tokens);
    if (!isPayload) continue;
    pieces.push(text.slice(copied, from), JSON.stringify(text.slice(from, to)));
    copied = to;
  }
  pieces.push(text.slice(copied));
  return pieces.join("");
}

function depthChange(token: string): number {
  if (token === "{" || token === "[") return 1;
  return token === "}" || token === "]" ? -1 : 0;
}

function valueSpan(tokens: Iterator<RegExpMatchArray>): [number, number] {
  let depth = 0;
  let from = -1;
  for (let next = tokens.next(); !next.done; next = tokens.next()) {
    const [token] = next.value;
    const at = next.value.index ?? 0;
    if (from < 0) from = at;
    depth += depthChange(token);
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

/** A request's shape as it is written: its payloads are `Raw`. */
export type Outgoing<T> = T extends JsonText ? Raw : T extends object ? { [K in keyof T]: Outgoing<T[K]> } : T;

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
