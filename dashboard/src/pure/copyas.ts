/** The replay on the screen as something to paste: Python, the command line, or curl. */

import type { EditShown, ReplayBody } from "@/api/contract";
import { pointerTokens } from "@/pure/json";
import { type Raw, writeRequest } from "@/pure/wire";

export type Language = "Python" | "CLI" | "curl";

export function copyAs(language: Language, runId: string, body: ReplayBody, edits: readonly EditShown[]): string {
  if (language === "Python") return asPython(runId, body);
  return language === "CLI" ? asCommand(runId, body, edits) : asCurl(runId, body);
}

function asPython(runId: string, body: ReplayBody): string {
  const inputs = Object.entries(body.inputs ?? {});
  const input = body.input ?? inputs[0]?.[1];
  const [start] = body.start_steps ?? [];
  const values = Object.values(body.playground ?? {}).reduce((all, each) => Object.assign(all, each), {});
  const options = [
    start === undefined ? "" : `from_step=${pythonText(start)}`,
    body.from_beginning ? "from_beginning=True" : "",
    input === undefined ? "" : `input=json.loads(${pythonText(input.text)})`,
    Object.keys(values).length > 0
      ? `playground={${Object.entries(values)
          .map(([name, value]) => `${pythonText(name)}: ${pythonValue(value.text)}`)
          .join(", ")}}`
      : "",
    body.reason ? `reason=${pythonText(body.reason)}` : "",
  ].filter(Boolean);
  const call = `run = await m.runs.get(${pythonText(runId)})\nagain = await run.replay(${options.join(", ")})`;
  return input === undefined ? call : `import json\n\n${call}`;
}

/** JSON text literals are Python's too, escapes included. */
function pythonText(text: string): string {
  return JSON.stringify(text);
}

const PYTHON_WORDS: Record<string, string> = { true: "True", false: "False", null: "None" };

function pythonValue(literal: string): string {
  if (PYTHON_WORDS[literal]) return PYTHON_WORDS[literal];
  return /^["\d-]/.test(literal) ? literal : `json.loads(${pythonText(literal)})`;
}

function asCommand(runId: string, body: ReplayBody, edits: readonly EditShown[]): string {
  const starts = body.start_steps ?? [];
  const several = starts.length > 1;
  const words = [
    ["mulligan", "replay", runId],
    ...starts.map((step) => ["--from", shell(step)]),
    ...(body.from_beginning ? [["--from-beginning"]] : []),
    ...edits
      .filter((edit) => edit.after !== undefined)
      .map((edit) => {
        const path = pointerTokens(edit.path).join(".");
        return ["--set", shell(`${several && edit.step !== "input" ? `${edit.step}.` : ""}${path}=${edit.after}`)];
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
