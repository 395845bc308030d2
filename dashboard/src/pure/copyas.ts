/** The replay on the screen as something to paste: Python, the command line, or curl. */

import type { EditShown, ReplayBody } from "@/api/contract";
import { compactJson } from "@/pure/compact";
import { pointerTokens } from "@/pure/json";
import { type Raw, writeRequest } from "@/pure/wire";

export type Language = "Python" | "CLI" | "curl";

export function copyAs(language: Language, runId: string, body: ReplayBody, edits: readonly EditShown[]): string {
  if (language === "Python") return asPython(runId, body);
  return language === "CLI" ? asCommand(runId, body, edits) : asCurl(runId, body);
}

function asPython(runId: string, body: ReplayBody): string {
  const starts = body.start_steps ?? [];
  const options = {
    from_step: starts.length === 0 ? undefined : pythonOf(JSON.stringify(starts.length === 1 ? starts[0] : starts)),
    from_beginning: body.from_beginning ? "True" : undefined,
    input: bySteps(body.inputs, starts),
    run_input: body.input && pythonOf(body.input.text),
    playground: bySteps(body.playground, starts),
    code: !body.code || body.code === "latest" ? undefined : pythonOf(JSON.stringify(body.code)),
    reason: body.reason ? pythonOf(JSON.stringify(body.reason)) : undefined,
    fresh_key: body.fresh_key ? "True" : undefined,
  };
  const given = Object.entries(options)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`);
  return `run = await m.runs.get(${pythonOf(JSON.stringify(runId))})\nagain = await run.replay(${given.join(", ")})`;
}

/** With a single start step its name goes without saying. */
function bySteps(values: Record<string, unknown> | undefined, starts: readonly string[]): string | undefined {
  const [only, ...more] = Object.entries(values ?? {});
  if (!only) return undefined;
  const isPlain = more.length === 0 && starts.length === 1 && only[0] === starts[0];
  return pythonOf(writeRequest(isPlain ? only[1] : values));
}

const PYTHON_WORDS: Record<string, string> = { true: "True", false: "False", null: "None" };

/** JSON text as a Python literal; numbers keep their spelling. */
function pythonOf(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|true|false|null/g, (token) =>
    token.startsWith('"') ? JSON.stringify(JSON.parse(token)) : (PYTHON_WORDS[token] ?? token),
  );
}

function asCommand(runId: string, body: ReplayBody, edits: readonly EditShown[]): string {
  const starts = body.start_steps ?? [];
  const several = starts.length > 1;
  const words = [
    ["mulligan", "replay", runId],
    ...starts.map((step) => ["--from", shell(step)]),
    ...(body.from_beginning ? [["--from-beginning"]] : []),
    ...(body.input ? [["--input", shell(compactJson(body.input.text))]] : []),
    ...edits
      .filter((edit) => edit.after !== undefined && edit.step !== "input")
      .map((edit) => {
        const path = pointerTokens(edit.path).join(".");
        return ["--set", shell(`${several ? `${edit.step}.` : ""}${path}=${edit.after}`)];
      }),
    ...Object.entries(body.playground ?? {}).flatMap(([step, values]) =>
      Object.entries(values).map(([name, value]) => [
        "--playground",
        shell(`${step === "*" ? "" : `${step}.`}${name}=${(value as Raw).text}`),
      ]),
    ),
    ...(body.code && body.code !== "latest" ? [["--code", String(body.code)]] : []),
    ...(body.reason ? [["--reason", shell(body.reason)]] : []),
    ...(body.fresh_key ? [["--fresh-key"]] : []),
  ];
  return words.map((part) => part.join(" ")).join(" ");
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
