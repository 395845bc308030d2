/**
 * Lossless JSON: a payload is its text. Nothing here turns a payload into JavaScript values and back, so integers above
 * 2^53, key order and number spelling survive.
 */

import {
  applyEdits,
  createScanner,
  format,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import { compactJson } from "@/pure/compact";

/** Character offsets, end exclusive. */
export interface Span {
  from: number;
  to: number;
}

export interface SyntaxProblem extends Span {
  message: string;
}

export type Kind = "object" | "array" | "string" | "number" | "boolean" | "null";

export interface Place {
  kind: Kind;
  value: Span;
  /** The member's name with its quotes; absent for the root and for array items. */
  key?: Span;
}

export interface ReadJson {
  /** JSON Pointer (RFC 6901) -> where it stands. The root's pointer is "". */
  places: Map<string, Place>;
  problems: SyntaxProblem[];
}

/** The server's own limit for payloads. Whatever walks through a text by recursion may count on it. */
const MOST_LEVELS = 100;
const STRICT = { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false };

/** By the parser's own names of its errors. */
const WORDS: Record<string, string> = {
  InvalidSymbol: "This is not JSON. Text needs double quotes; the only bare words are true, false and null.",
  InvalidNumberFormat: "This is not a JSON number.",
  PropertyNameExpected: 'A name in double quotes is expected here, such as "id".',
  ValueExpected: "A value is expected here.",
  ColonExpected: "A colon is expected between name and value.",
  CommaExpected: "A comma is expected between two values.",
  CloseBraceExpected: "A closing } is missing.",
  CloseBracketExpected: "A closing ] is missing.",
  EndOfFileExpected: "Nothing may follow the end of the JSON value.",
  InvalidCommentToken: "JSON has no comments.",
  UnexpectedEndOfString: 'This text is not closed. Add a " at its end.',
  InvalidEscapeCharacter: "This escape is unknown. Write a backslash as \\\\.",
  InvalidCharacter: "This character must be escaped, for example \\n for a line break.",
};

export function escapeToken(token: string | number): string {
  return String(token).replaceAll("~", "~0").replaceAll("/", "~1");
}

export function pointerTokens(pointer: string): string[] {
  if (pointer === "") return [];
  return pointer
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** A pointer as people write it: `/doc/tags/0` -> `doc.tags[0]`. The root is "" and stays "". */
export function pointerWords(pointer: string): string {
  return pointerTokens(pointer)
    .map((token, at) => (/^\d+$/.test(token) ? `[${token}]` : `${at ? "." : ""}${token}`))
    .join("");
}

export function readJson(text: string): ReadJson {
  const deep = firstTooDeep(text);
  if (deep !== undefined) {
    const message = `This is more than ${MOST_LEVELS} levels deep; flatten it.`;
    return { places: new Map(), problems: [{ from: deep, to: deep + 1, message }] };
  }
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, STRICT);
  const places = new Map<string, Place>();
  if (root) collect(root, "", undefined, places);
  const problems = errors.map((error) => ({
    from: error.offset,
    to: Math.max(error.offset + error.length, error.offset + 1),
    message: WORDS[printParseErrorCode(error.error)] ?? "This is not JSON.",
  }));
  if (text.trim() === "")
    return { places, problems: [{ from: 0, to: text.length, message: "A JSON value is expected." }] };
  return { places, problems };
}

/** Where the first bracket stands that opens a level too many. Scans, because deep texts are what breaks parsers. */
function firstTooDeep(text: string): number | undefined {
  const scanner = createScanner(text, true);
  let levels = 0;
  while (scanner.getPosition() < text.length) {
    scanner.scan();
    const first = text[scanner.getTokenOffset()];
    if (first === "{" || first === "[") levels += 1;
    if (first === "}" || first === "]") levels -= 1;
    if (levels > MOST_LEVELS) return scanner.getTokenOffset();
  }
  return undefined;
}

function collect(node: Node, pointer: string, key: Span | undefined, places: Map<string, Place>): void {
  const value = { from: node.offset, to: node.offset + node.length };
  places.set(pointer, { kind: node.type as Kind, value, ...(key ? { key } : {}) });
  node.children?.forEach((child, index) => {
    if (node.type === "array") collect(child, `${pointer}/${index}`, undefined, places);
    const [name, member] = child.children ?? [];
    if (node.type !== "object" || !name || !member) return;
    const at = { from: name.offset, to: name.offset + name.length };
    collect(member, `${pointer}/${escapeToken(String(name.value))}`, at, places);
  });
}

/** The closest place that exists: the pointer itself, or the nearest parent of something missing. */
export function placeAt(places: ReadJson["places"], pointer: string): Place | undefined {
  const tokens = pointerTokens(pointer);
  for (let depth = tokens.length; depth >= 0; depth -= 1) {
    const found = places.get(
      tokens
        .slice(0, depth)
        .map((token) => `/${escapeToken(token)}`)
        .join(""),
    );
    if (found) return found;
  }
  return undefined;
}

/** Line breaks and indentation only; every literal stays as it was written. Broken JSON comes back unchanged. */
export function prettyJson(text: string): string {
  if (readJson(text).problems.length > 0) return text;
  const spread = applyEdits(text, format(text, undefined, { tabSize: 2, insertSpaces: true, eol: "\n" }));
  return spread.trim();
}

/** The literal text at a pointer, or `undefined` when nothing stands there. */
export function literalAt(text: string, pointer: string): string | undefined {
  const place = readJson(text).places.get(pointer);
  return place && text.slice(place.value.from, place.value.to);
}

/** True when both are the same JSON literal for literal, whatever the white space between the tokens. */
export function sameJson(left: string, right: string): boolean {
  return compactJson(left) === compactJson(right);
}

/**
 * Writes one literal, and leaves every other byte as it was. A missing member is appended to its object; parents that
 * are missing or are no objects (a `null` to be filled, say) become objects.
 */
export function setLiteral(text: string, pointer: string, literal: string): string {
  const { places } = readJson(text);
  const here = places.get(pointer);
  if (here) return splice(text, here.value, literal);
  const tokens = pointerTokens(pointer);
  const name = tokens.pop();
  if (name === undefined) return literal;
  const parentPointer = tokens.map((token) => `/${escapeToken(token)}`).join("");
  const parent = places.get(parentPointer);
  if (parent?.kind !== "object") return setLiteral(text, parentPointer, `{${JSON.stringify(name)}: ${literal}}`);
  return insertMember(text, parentPointer, parent, places, `${JSON.stringify(name)}: ${literal}`);
}

/** Removes one member of an object with its comma. Array items are left to the text editor. */
export function removeMember(text: string, pointer: string): string {
  const here = readJson(text).places.get(pointer);
  if (!here?.key) return text;
  const before = text.slice(0, here.key.from);
  const after = text.slice(here.value.to);
  if (/^\s*,/.test(after)) return before + after.replace(/^\s*,\s*/, "");
  return before.replace(/,?\s*$/, "") + after;
}

function splice(text: string, span: Span, literal: string): string {
  return text.slice(0, span.from) + literal + text.slice(span.to);
}

function insertMember(
  text: string,
  pointer: string,
  parent: Place,
  places: ReadJson["places"],
  member: string,
): string {
  const last = lastMember(pointer, parent, places);
  if (!last?.key) return splice(text, parent.value, `{${member}}`);
  const lead = text.slice(0, last.key.from).match(/\n[ \t]*$/)?.[0] ?? " ";
  return splice(text, { from: last.value.to, to: last.value.to }, `,${lead}${member}`);
}

function lastMember(pointer: string, parent: Place, places: ReadJson["places"]): Place | undefined {
  let last: Place | undefined;
  for (const [each, place] of places) {
    const isChild = each.startsWith(`${pointer}/`) && !each.slice(pointer.length + 1).includes("/");
    if (isChild && place.value.to <= parent.value.to) last = place;
  }
  return last;
}
