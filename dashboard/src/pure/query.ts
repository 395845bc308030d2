/**
 * The one query grammar: `status:failed workflow:x input.lang:fr error:~text since:24h -tag:test`.
 *
 * Chips and text are two views of the same string, so parsing keeps everything that formatting needs.
 */

export type Operator = "is" | "contains" | "gt" | "ge" | "lt" | "le";

export interface Term {
  /** `null` for a bare word, which is searched everywhere. */
  key: string | null;
  operator: Operator;
  value: string;
  negated: boolean;
}

export interface QueryProblem {
  /** Character span in the text. */
  from: number;
  to: number;
  message: string;
}

export interface ParsedQuery {
  terms: Term[];
  problems: QueryProblem[];
}

const KEY = /^[A-Za-z_][\w-]*(?:\.[\w-]+)*$/;
/** Longest first, so that `>=` is never read as `>`. */
const PREFIXES: [string, Operator][] = [
  [">=", "ge"],
  ["<=", "le"],
  [">", "gt"],
  ["<", "lt"],
  ["~", "contains"],
];
const PREFIX_OF: Record<Operator, string> = { is: "", contains: "~", gt: ">", ge: ">=", lt: "<", le: "<=" };

interface Word {
  from: number;
  to: number;
  /** Raw text up to the first colon outside quotes, or `null` without one. */
  key: string | null;
  negated: boolean;
  operator: Operator;
  value: string;
  closed: boolean;
  quoted: boolean;
}

export function parseQuery(text: string): ParsedQuery {
  const terms: Term[] = [];
  const problems: QueryProblem[] = [];
  for (let at = skipSpace(text, 0); at < text.length; ) {
    const word = readWord(text, at);
    const message = problemOf(word);
    if (message) problems.push({ from: word.from, to: word.to, message });
    else terms.push({ key: word.key, operator: word.operator, value: word.value, negated: word.negated });
    at = skipSpace(text, word.to);
  }
  return { terms, problems };
}

export function formatTerm(term: Term): string {
  const sign = term.negated ? "-" : "";
  if (term.key === null) return sign + quoteWord(term.value);
  return `${sign}${term.key}:${PREFIX_OF[term.operator]}${quoteValue(term.value)}`;
}

export function formatQuery(terms: readonly Term[]): string {
  return terms.map(formatTerm).join(" ");
}

export function term(key: string, value: string, operator: Operator = "is"): Term {
  return { key, operator, value, negated: false };
}

export function withoutTerm(text: string, index: number): string {
  return formatQuery(parseQuery(text).terms.filter((_, at) => at !== index));
}

/** Replaces every term of that key by one, or removes them all when `value` is `null`. Keeps the place of the first. */
export function withKey(text: string, key: string, value: string | null): string {
  const { terms } = parseQuery(text);
  const place = terms.findIndex((each) => each.key === key && !each.negated);
  const others = terms.filter((each) => each.key !== key || each.negated);
  if (value === null) return formatQuery(others);
  others.splice(place < 0 ? others.length : Math.min(place, others.length), 0, term(key, value));
  return formatQuery(others);
}

/** The value of the first plain `key:value` term. */
export function plainValue(text: string, key: string): string | null {
  const found = parseQuery(text).terms.find((each) => each.key === key && !each.negated && each.operator === "is");
  return found?.value ?? null;
}

function skipSpace(text: string, at: number): number {
  let here = at;
  while (here < text.length && isSpace(text.charAt(here))) here += 1;
  return here;
}

function isSpace(character: string): boolean {
  return /\s/.test(character);
}

function readWord(text: string, start: number): Word {
  const negated = text.charAt(start) === "-" && start + 1 < text.length && !isSpace(text.charAt(start + 1));
  let at = negated ? start + 1 : start;
  const keyEnd = findKeyEnd(text, at);
  const key = keyEnd === null ? null : text.slice(at, keyEnd);
  if (keyEnd !== null) at = keyEnd + 1;
  const [prefix, operator] = (key !== null && PREFIXES.find(([sign]) => text.startsWith(sign, at))) || [
    "",
    "is" as const,
  ];
  at += prefix.length;
  const read = text.charAt(at) === '"' ? readQuoted(text, at) : readBare(text, at);
  return {
    from: start,
    to: read.to,
    key,
    negated,
    operator,
    value: read.value,
    closed: read.closed,
    quoted: read.quoted,
  };
}

/** Where the colon of `key:` stands; only something shaped like a key counts, so that `http://x` stays one bare word. */
function findKeyEnd(text: string, at: number): number | null {
  const colon = text.indexOf(":", at);
  if (colon < 0 || !KEY.test(text.slice(at, colon))) return null;
  return text.startsWith("//", colon + 1) ? null : colon;
}

interface Read {
  value: string;
  to: number;
  closed: boolean;
  quoted: boolean;
}

function readBare(text: string, at: number): Read {
  let to = at;
  while (to < text.length && !isSpace(text.charAt(to))) to += 1;
  return { value: text.slice(at, to), to, closed: true, quoted: false };
}

function readQuoted(text: string, at: number): Read {
  let value = "";
  for (let here = at + 1; here < text.length; here += 1) {
    const character = text.charAt(here);
    if (character === '"') return { value, to: here + 1, closed: true, quoted: true };
    if (character === "\\" && here + 1 < text.length) here += 1;
    value += text.charAt(here);
  }
  return { value, to: text.length, closed: false, quoted: true };
}

function problemOf(word: Word): string | null {
  if (!word.closed) return 'This quote is not closed. Add a " at its end.';
  if (word.key !== null && word.value === "" && !word.quoted) return `"${word.key}:" needs a value after the colon.`;
  return null;
}

function quote(value: string): string {
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}

function quoteValue(value: string): string {
  return value === "" || /[\s"]|^[<>~]/.test(value) ? quote(value) : value;
}

/** A bare word also needs quotes where it would otherwise be read as a negation or as `key:value`. */
function quoteWord(value: string): string {
  return /^-|:/.test(value) && parseQuery(value).terms[0]?.value !== value ? quote(value) : quoteValue(value);
}
