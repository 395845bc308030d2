/** Reading JSON Schema: references, the words for a broken rule, and the fields of a form. */

import { escapeToken } from "@/pure/json";

export interface Schema {
  [keyword: string]: unknown;
}

export type FieldKind = "text" | "multiline" | "number" | "integer" | "boolean" | "choice" | "json";

/** One input of a form. A group has fields of its own instead of a kind. */
export interface Field {
  /** JSON Pointer of the value inside the document. */
  pointer: string;
  label: string;
  help: string;
  required: boolean;
  nullable: boolean;
  kind: FieldKind | "group";
  /** JSON literals, only for `choice`. */
  choices: string[];
  minimum: number | null;
  maximum: number | null;
  fields: Field[];
}

const DEEPEST_GROUP = 4;
/** From this length on a text gets several lines, whatever its schema says. */
const LONG_TEXT = 80;

export function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function readSchema(text: string): Schema {
  const value: unknown = text === "" ? {} : JSON.parse(text);
  return isSchema(value) ? value : {};
}

/** Follows `$ref`s (also `allOf` of one, as Pydantic writes them) and keeps what stands beside them. */
export function resolve(schema: Schema, root: Schema): Schema {
  let here = schema;
  for (let hops = 0; hops < 20; hops += 1) {
    const { $ref, ...beside } = here;
    const single = Array.isArray(here.allOf) && here.allOf.length === 1 ? here.allOf[0] : undefined;
    if (typeof $ref === "string") here = { ...atPointer(root, $ref), ...beside };
    else if (isSchema(single)) {
      const { allOf: _, ...rest } = here;
      here = { ...single, ...rest };
    } else return here;
  }
  return here;
}

function atPointer(root: Schema, ref: string): Schema {
  let here: unknown = root;
  for (const token of ref.replace(/^#\/?/, "").split("/").filter(Boolean)) {
    const name = decodeURIComponent(token).replaceAll("~1", "/").replaceAll("~0", "~");
    here = isSchema(here) || Array.isArray(here) ? (here as Schema)[name] : undefined;
  }
  return isSchema(here) ? here : {};
}

/** The fields of an object schema; an empty list when a form would show nothing that the text does not. */
export function formFields(root: Schema): Field[] {
  return fieldsOf(root, root, "", 0);
}

function fieldsOf(schema: Schema, root: Schema, pointer: string, depth: number): Field[] {
  const { properties, required } = resolve(schema, root);
  if (!isSchema(properties)) return [];
  const needed = Array.isArray(required) ? required : [];
  return Object.entries(properties)
    .filter((entry): entry is [string, Schema] => isSchema(entry[1]))
    .map(([name, child]) =>
      fieldOf(name, child, root, `${pointer}/${escapeToken(name)}`, needed.includes(name), depth),
    );
}

function fieldOf(name: string, raw: Schema, root: Schema, pointer: string, required: boolean, depth: number): Field {
  const { schema, nullable } = withoutNull(resolve(raw, root), root);
  const fields = depth < DEEPEST_GROUP && !nullable ? fieldsOf(schema, root, pointer, depth + 1) : [];
  return {
    pointer,
    label: name,
    help: typeof schema.description === "string" ? schema.description : "",
    required,
    nullable,
    kind: fields.length > 0 ? "group" : kindOf(schema),
    choices: choicesOf(schema),
    minimum: firstNumber(schema.minimum, schema.exclusiveMinimum),
    maximum: firstNumber(schema.maximum, schema.exclusiveMaximum),
    fields,
  };
}

/** `anyOf: [X, null]` and `type: [x, null]` are X with a switch for "nothing". */
function withoutNull(schema: Schema, root: Schema): { schema: Schema; nullable: boolean } {
  const branches = Array.isArray(schema.anyOf) ? schema.anyOf.filter(isSchema) : [];
  const rest = branches.filter((branch) => branch.type !== "null");
  const [only] = rest;
  if (only && rest.length === 1 && branches.length === 2) {
    const { anyOf: _, ...beside } = schema;
    return { schema: { ...resolve(only, root), ...beside }, nullable: true };
  }
  if (Array.isArray(schema.type) && schema.type.length === 2 && schema.type.includes("null")) {
    return { schema: { ...schema, type: schema.type.find((each) => each !== "null") }, nullable: true };
  }
  return { schema, nullable: false };
}

export function kindOf(schema: Schema): FieldKind {
  if (choicesOf(schema).length > 0) return "choice";
  switch (schema.type) {
    case "string":
      return schema["x-mulligan-multiline"] === true || schema.format === "multiline" || isLong(schema)
        ? "multiline"
        : "text";
    case "number":
      return "number";
    case "integer":
      return "integer";
    case "boolean":
      return "boolean";
    default:
      return "json";
  }
}

function isLong(schema: Schema): boolean {
  const { default: value, maxLength } = schema;
  const long = typeof value === "string" && (value.length > LONG_TEXT || value.includes("\n"));
  return long || (typeof maxLength === "number" && maxLength > 4 * LONG_TEXT);
}

export function choicesOf(schema: Schema): string[] {
  if (Array.isArray(schema.enum)) return schema.enum.map((each) => JSON.stringify(each));
  return "const" in schema ? [JSON.stringify(schema.const)] : [];
}

function firstNumber(...values: unknown[]): number | null {
  return values.find((value): value is number => typeof value === "number") ?? null;
}

/** What was typed into a field -> the JSON literal to store, or the reason why it is none. */
export function literalOf(kind: FieldKind, typed: string): { literal: string } | { problem: string } {
  switch (kind) {
    case "text":
    case "multiline":
      return { literal: JSON.stringify(typed) };
    case "integer":
      return /^-?(0|[1-9]\d*)$/.test(typed.trim()) ? { literal: typed.trim() } : { problem: "must be a whole number" };
    case "number":
      return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(typed.trim())
        ? { literal: typed.trim() }
        : { problem: "must be a number" };
    default:
      return isJson(typed) ? { literal: typed.trim() } : { problem: "must be JSON" };
  }
}

/** The JSON literal -> what stands in the field. Text shows without quotes; everything else as it is written. */
export function typedOf(kind: FieldKind, literal: string): string {
  if (kind !== "text" && kind !== "multiline") return literal;
  const value: unknown = isJson(literal) ? JSON.parse(literal) : literal;
  return typeof value === "string" ? value : literal;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A first text for an empty form: what is required, with its default or the plainest value of its kind. */
export function skeletonText(root: Schema): string {
  const fields = formFields(root);
  return fields.length > 0 ? JSON.stringify(skeletonOf(resolve(root, root), root, 0), null, 2) : "{}";
}

function skeletonOf(raw: Schema, root: Schema, depth: number): unknown {
  const { schema } = withoutNull(resolve(raw, root), root);
  if ("default" in schema) return schema.default;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  if (isSchema(schema.properties) && depth < DEEPEST_GROUP) {
    const required = Array.isArray(schema.required) ? schema.required : [];
    const entries = Object.entries(schema.properties).filter(([name]) => required.includes(name));
    return Object.fromEntries(entries.map(([name, child]) => [name, skeletonOf(child as Schema, root, depth + 1)]));
  }
  return PLAINEST[String(schema.type)] ?? null;
}

const PLAINEST: Record<string, unknown> = { string: "", integer: 0, number: 0, boolean: false, array: [], object: {} };
