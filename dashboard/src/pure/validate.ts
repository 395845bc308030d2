/** Checks a JSON text against a schema while it is typed. The server has the last word; this one is quick and local. */

import { type OutputUnit, Validator } from "@cfworker/json-schema";
import { placeAt, pointerTokens, readJson, type Span } from "@/pure/json";
import { isSchema, type Schema } from "@/pure/schema";

export interface Problem extends Span {
  pointer: string;
  /** The JSON Schema keyword that is broken; "syntax" when the text is no JSON. */
  rule: string;
  message: string;
}

/** These only repeat that something below them is wrong. */
const WRAPPERS = new Set([
  "properties",
  "patternProperties",
  "additionalProperties",
  "items",
  "prefixItems",
  "$ref",
  "allOf",
  "anyOf",
  "oneOf",
  "if",
  "then",
  "else",
  "dependentSchemas",
]);

const TYPE_WORDS: Record<string, string> = {
  string: "text",
  number: "a number",
  integer: "a whole number",
  boolean: "true or false",
  object: "an object",
  array: "a list",
  null: "null",
};

export function makeChecker(schema: Schema): (text: string) => Problem[] {
  const validator = new Validator(schema as ConstructorParameters<typeof Validator>[0], "2020-12", false);
  return (text) => {
    const { places, problems } = readJson(text);
    const [first] = problems;
    // One broken token makes the parser stumble over what follows; only the first complaint is about the text itself.
    if (first) return [{ ...first, pointer: "", rule: "syntax" }];
    const { errors } = validator.validate(JSON.parse(text));
    return leaves(errors, schema).map((problem) => ({ ...problem, ...spanOf(places, problem.pointer) }));
  };
}

function spanOf(places: ReturnType<typeof readJson>["places"], pointer: string): Span {
  const place = placeAt(places, pointer);
  if (!place) return { from: 0, to: 0 };
  // A whole object underlined says nothing; its opening bracket says where.
  const isWide = place.kind === "object" || place.kind === "array";
  return isWide ? { from: place.value.from, to: place.value.from + 1 } : place.value;
}

interface Leaf {
  pointer: string;
  rule: string;
  message: string;
}

function leaves(errors: OutputUnit[], schema: Schema): Leaf[] {
  const found = errors.filter((error) => !WRAPPERS.has(error.keyword) || isBottom(error, errors));
  return [...new Set(found.map((error) => error.instanceLocation))].flatMap((location) => {
    const group = found.filter((error) => error.instanceLocation === location);
    const pointer = decodeURIComponent(location.replace(/^#/, ""));
    const types = group.filter((error) => error.keyword === "type");
    const others = group.filter((error) => error.keyword !== "type");
    const rules = others.map((error) => ({ pointer, rule: error.keyword, message: wordsFor(error, schema, pointer) }));
    if (types.length > 0 && others.length === 0)
      rules.push({ pointer, rule: "type", message: typeWords(types, schema) });
    return rules;
  });
}

/** An `anyOf` of which no branch says anything more precise is a leaf itself. */
function isBottom(error: OutputUnit, errors: OutputUnit[]): boolean {
  const below = `${error.keywordLocation}/`;
  return !errors.some(
    (other) =>
      other !== error &&
      (other.keywordLocation.startsWith(below) || other.instanceLocation.startsWith(`${error.instanceLocation}/`)),
  );
}

function typeWords(errors: OutputUnit[], schema: Schema): string {
  const names = errors.flatMap((error) => ruleAt(schema, error.keywordLocation));
  const words = [...new Set(names.map((name) => TYPE_WORDS[String(name)] ?? String(name)))];
  return `must be ${words.join(" or ")}`;
}

function wordsFor(error: OutputUnit, schema: Schema, pointer: string): string {
  const rule = ruleAt(schema, error.keywordLocation);
  const name = pointerTokens(pointer).at(-1) ?? "this";
  switch (error.keyword) {
    case "enum":
      return `must be ${orList(rule)}`;
    case "const":
      return `must be ${JSON.stringify(rule)}`;
    case "required":
      return `${error.error.match(/"(.*)"/)?.[0] ?? "a member"} is missing`;
    case "false":
      return `"${name}" is not allowed here`;
    case "minimum":
      return `must be at least ${rule}`;
    case "exclusiveMinimum":
      return `must be greater than ${rule}`;
    case "maximum":
      return `must be at most ${rule}`;
    case "exclusiveMaximum":
      return `must be less than ${rule}`;
    case "minLength":
      return `must have at least ${rule} characters`;
    case "maxLength":
      return `must have at most ${rule} characters`;
    case "minItems":
      return `must have at least ${rule} items`;
    case "maxItems":
      return `must have at most ${rule} items`;
    case "pattern":
      return `must match the pattern ${rule}`;
    case "format":
      return `must be a valid ${rule}`;
    default:
      return error.error;
  }
}

function orList(values: unknown): string {
  if (!Array.isArray(values)) return JSON.stringify(values);
  const words = values.map((value) => JSON.stringify(value));
  const last = words.pop() ?? "nothing";
  return words.length > 0 ? `${words.join(", ")} or ${last}` : last;
}

/** The value of the keyword at a location that walks through `$ref`s, as the validator writes them. */
function ruleAt(schema: Schema, location: string): unknown {
  let here: unknown = schema;
  for (const token of pointerTokens(location.replace(/^#/, ""))) {
    const next: unknown =
      isSchema(here) || Array.isArray(here) ? (here as Schema)[decodeURIComponent(token)] : undefined;
    here = token === "$ref" && typeof next === "string" ? ruleAt(schema, next) : next;
  }
  return here;
}
