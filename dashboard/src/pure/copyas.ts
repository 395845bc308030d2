/** The replay on the screen as something to paste: Python, the command line, or curl. */

import type { EditShown, ReplayBody } from "@/api/contract";
import { compactJson } from "@/pure/compact";
import { escapeToken, pointerTokens, readJson } from "@/pure/json";
import { type Raw, writeRequest } from "@/pure/wire";

export type Language = "Python" | "CLI" | "curl";

export function copyAs(language: Language, runId: string, body: ReplayBody, edits: readonly EditShown[]): string {
  if (language === "curl") return asCurl(runId, body);
  const text = language === "Python" ? asPython(runId, body) : asCommand(runId, body, edits);
  return [...unsaid(language, body, edits).map(leftOut), text].join("\n");
}

export function leftOut(what: string): string {
  return `# left out, but curl can say it: ${what}`;
}

/** What is in the request and has no words there. */
function unsaid(language: Language, body: ReplayBody, edits: readonly EditShown[]): string[] {
  const reset = Object.entries(body.reset_playground ?? {}).map(([step, names]) => `${step}: ${names.join(", ")}`);
  const removed = edits.filter((edit) => edit.after === undefined && !saysRemoval(language, body, edit));
  const sets = language === "CLI" ? setsOf(body, edits) : [];
  const elsewhere = Object.keys(body.inputs ?? {}).filter((step) => !(body.start_steps ?? []).includes(step));
  return [
    ...reset.map((each) => `the code's own default again for ${each}`),
    ...removed.map(({ step, path }) => (step === "input" ? `the run input without ${path}` : `without ${step}${path}`)),
    ...sets.filter(({ path }) => path === null).map(({ edit }) => `the edit of ${edit.step}${edit.path}`),
    ...elsewhere.map((step) => `the edited input of ${step}, which is no start step`),
  ];
}

/** The command line gives a run input as a whole. In Python objects are merged, and only lists replaced as a whole. */
function saysRemoval(language: Language, body: ReplayBody, { step, path }: EditShown): boolean {
  if (language === "CLI") return step === "input";
  const places = readJson((step === "input" ? body.input : body.inputs?.[step])?.text ?? "").places;
  const tokens = pointerTokens(path).map((token) => `/${escapeToken(token)}`);
  return tokens.some((_, depth) => places.get(tokens.slice(0, depth).join(""))?.kind === "array");
}

function asPython(runId: string, body: ReplayBody): string {
  const starts = body.start_steps ?? [];
  const options = {
    from_step: starts.length === 0 ? undefined : pythonOf(JSON.stringify(starts.length === 1 ? starts[0] : starts)),
    from_beginning: body.from_beginning ? "True" : undefined,
    input: bySteps(only(body.inputs, starts), starts),
    run_input: body.input && pythonOf(body.input.text),
    playground: byNames(body.playground),
    code: !body.code || body.code === "latest" ? undefined : pythonOf(JSON.stringify(body.code)),
    reason: body.reason ? pythonOf(JSON.stringify(body.reason)) : undefined,
    fresh_key: body.fresh_key ? "True" : undefined,
  };
  const given = Object.entries(options)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`);
  return `run = await m.runs.get(${pythonOf(JSON.stringify(runId))})\nagain = await run.replay(${given.join(", ")})`;
}

function only<T>(values: Record<string, T> | undefined, steps: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(values ?? {}).filter(([step]) => steps.includes(step)));
}

/** With a single start step its name goes without saying. */
export function bySteps(values: Record<string, unknown> | undefined, starts: readonly string[]): string | undefined {
  const [only, ...more] = Object.entries(values ?? {});
  if (!only) return undefined;
  const isPlain = more.length === 0 && starts.length === 1 && only[0] === starts[0];
  return pythonOf(writeRequest(isPlain ? only[1] : values));
}

/** As on the command line: `step.name`, or the name alone where every step is meant. */
export function byNames(values: ReplayBody["playground"]): string | undefined {
  const named = overrideNames(values);
  return named.length > 0 ? pythonOf(writeRequest(Object.fromEntries(named))) : undefined;
}

export function overrideNames(values: ReplayBody["playground"]): [name: string, value: Raw][] {
  return Object.entries(values ?? {}).flatMap(([step, own]) =>
    Object.entries(own).map(([name, value]): [string, Raw] => [step === "*" ? name : `${step}.${name}`, value as Raw]),
  );
}

const PYTHON_WORDS: Record<string, string> = { true: "True", false: "False", null: "None" };

/** JSON text as a Python literal; numbers keep their spelling. */
export function pythonOf(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|true|false|null/g, (token) =>
    token.startsWith('"') ? JSON.stringify(JSON.parse(token)) : (PYTHON_WORDS[token] ?? token),
  );
}

function asCommand(runId: string, body: ReplayBody, edits: readonly EditShown[]): string {
  const starts = body.start_steps ?? [];
  const words = [
    ["mulligan", "replay", runId],
    ...starts.map((step) => ["--from", shell(step)]),
    ...(body.from_beginning ? [["--from-beginning"]] : []),
    ...(body.input ? [["--input", shell(compactJson(body.input.text))]] : []),
    ...setsOf(body, edits).flatMap(({ edit, path }) =>
      path === null ? [] : [["--set", shell(`${path}=${edit.after}`)]],
    ),
    ...overrideNames(body.playground).map(([name, value]) => ["--playground", shell(`${name}=${value.text}`)]),
    ...(body.code && body.code !== "latest" ? [["--code", String(body.code)]] : []),
    ...(body.reason ? [["--reason", shell(body.reason)]] : []),
    ...(body.fresh_key ? [["--fresh-key"]] : []),
  ];
  return words.map((part) => part.join(" ")).join(" ");
}

function setsOf({ start_steps: starts = [] }: ReplayBody, edits: readonly EditShown[]) {
  return edits
    .filter((edit) => edit.after !== undefined && starts.includes(edit.step))
    .map((edit) => ({ edit, path: setPath(edit.path, starts.length > 1 ? edit.step : undefined) }));
}

/**
 * What stands before the `=` of a `--set`; `step` where there are several. With dots where every name is plain, else as
 * the pointer that it is. `null`: what the command line would read as something else.
 */
export function setPath(pointer: string, step?: string): string | null {
  if (pointer === "" || /[.=]/.test(step ?? "") || pointer.includes("=")) return null;
  const tokens = pointerTokens(pointer);
  const path = tokens.every((token) => /^[\w-]+$/.test(token)) ? tokens.join(".") : pointer;
  return step === undefined ? path : `${step}.${path}`;
}

function asCurl(runId: string, body: ReplayBody): string {
  const url = new URL(`api/v1/runs/${encodeURIComponent(runId)}/replay`, document.baseURI).href;
  return [
    `curl -X POST ${shell(url)}`,
    '-H "Authorization: Bearer $MULLIGAN_TOKEN"',
    "-H 'Content-Type: application/json'",
    `-d ${shell(writeRequest(body))}`,
  ].join(" \\\n  ");
}

/** Quoted for a POSIX shell, only where it needs to be. */
export function shell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
