/** A bulk replay as something to paste: Python, the command line, or curl. */

import type { BulkBody, BulkRequest } from "@/api/contract";
import { byNames, bySteps, type Language, leftOut, overrideNames, pythonOf, setPath, shell } from "@/pure/copyas";
import { literalAt, pointerTokens } from "@/pure/json";
import { Raw, writeRequest } from "@/pure/wire";

/** A query has at most 50 terms. */
const MOST_IDS = 40;

export function copyBulkAs(language: Language, body: BulkBody): string {
  if (language === "curl") return asCurl(body);
  const said = language === "Python" ? asPython(body) : asCommand(body);
  return [...said.unsaid.map(leftOut), said.text].join("\n");
}

interface Said {
  text: string;
  unsaid: string[];
}

/** One member that gets a value in every run. */
interface Member {
  path: string;
  literal: string;
}

function asPython({ request, ...body }: BulkBody): Said {
  const starts = request.start_steps ?? [];
  const { edits, ofInput, unsaid } = pythonEdits(request);
  const options = {
    reason: pythonOf(JSON.stringify(request.reason ?? "")),
    from_step: starts.length === 0 ? undefined : pythonOf(JSON.stringify(starts.length === 1 ? starts[0] : starts)),
    from_beginning: request.from_beginning ? "True" : undefined,
    input: bySteps(edits, starts),
    run_input: ofInput && pythonOf(nested(ofInput)),
    playground: byNames(request.playground),
    code: !request.code || request.code === "latest" ? undefined : pythonOf(JSON.stringify(request.code)),
    fresh_key: request.fresh_key ? "True" : undefined,
    canary: body.canary?.length ? JSON.stringify(body.canary) : undefined,
    rate: body.rate ?? undefined,
    stop_after: body.stop_after ?? undefined,
    stop_on_new: body.stop_on_new ? "True" : undefined,
  };
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const query = pythonOf(JSON.stringify(queryOf(body)));
  return {
    text: `many = await m.runs.replay_all(${[query, ...given.map(([name, value]) => `${name}=${value}`)].join(", ")})`,
    unsaid: [...unsaidOf(body, request), ...unsaid],
  };
}

function pythonEdits(request: BulkRequest) {
  const unsaid: string[] = [];
  const edits: Record<string, Raw> = {};
  for (const [step, patch] of Object.entries(request.patches ?? {})) {
    const members = membersOf(patch as Raw);
    if (members && request.start_steps?.includes(step)) edits[step] = new Raw(nested(members));
    else unsaid.push(`the patch of ${step}`);
  }
  const ofInput = request.input_patch ? membersOf(request.input_patch as unknown as Raw) : undefined;
  if (ofInput === null) unsaid.push("the patch of the run input");
  return { edits, ofInput, unsaid };
}

function asCommand({ request, ...body }: BulkBody): Said {
  const starts = request.start_steps ?? [];
  const { sets, unsaid } = commandEdits(request);
  const words = [
    ["mulligan", "replay", "-q", shell(queryOf(body))],
    ...starts.map((step) => ["--from", shell(step)]),
    ...(request.from_beginning ? [["--from-beginning"]] : []),
    ...sets,
    ...overrideNames(request.playground).map(([name, value]) => ["--playground", shell(`${name}=${value.text}`)]),
    ...(request.code && request.code !== "latest" ? [["--code", String(request.code)]] : []),
    ...(request.fresh_key ? [["--fresh-key"]] : []),
    ...(body.canary ?? []).map((part) => ["--canary", part < 1 ? `${part * 100}%` : String(part)]),
    ...(body.rate ? [["--rate", String(body.rate)]] : []),
    ...(body.stop_after ? [["--stop-after", String(body.stop_after)]] : []),
    ...(body.stop_on_new ? [["--stop-on-new"]] : []),
    ...(request.reason ? [["--reason", shell(request.reason)]] : []),
  ];
  return { text: words.map((part) => part.join(" ")).join(" "), unsaid: [...unsaidOf(body, request), ...unsaid] };
}

function commandEdits(request: BulkRequest) {
  const starts = request.start_steps ?? [];
  const unsaid: string[] = [];
  const sets: string[][] = [];
  const set = (members: readonly Member[], of: string, step?: string) => {
    for (const { path, literal } of members) {
      const place = setPath(path, step);
      if (place === null) unsaid.push(`the edit of ${of}${path}`);
      else sets.push(["--set", shell(`${place}=${literal}`)]);
    }
  };
  for (const [step, patch] of Object.entries(request.patches ?? {})) {
    const members = membersOf(patch as Raw);
    if (members && starts.includes(step)) set(members, step, starts.length > 1 ? step : undefined);
    else unsaid.push(`the patch of ${step}`);
  }
  const ofInput = request.input_patch ? membersOf(request.input_patch as unknown as Raw) : [];
  if (ofInput && request.from_beginning) set(ofInput, "the run input: ");
  else if (request.input_patch) unsaid.push("the patch of the run input");
  return { sets, unsaid };
}

function asCurl(body: BulkBody): string {
  return [
    `curl -X POST ${shell(new URL("api/v1/replays", document.baseURI).href)}`,
    '-H "Authorization: Bearer $MULLIGAN_TOKEN"',
    "-H 'Content-Type: application/json'",
    `-d ${shell(writeRequest(body))}`,
  ].join(" \\\n  ");
}

/** Chosen runs are named one by one, as far as a query goes. */
function queryOf({ q = "", ids }: Omit<BulkBody, "request">): string {
  if (!ids || ids.length > MOST_IDS) return q;
  return [q, ...ids.map((id) => `id:${id}`)].filter(Boolean).join(" ");
}

function unsaidOf({ ids }: Omit<BulkBody, "request">, request: BulkRequest): string[] {
  const reset = Object.entries(request.reset_playground ?? {}).map(([step, names]) => `${step}: ${names.join(", ")}`);
  return [
    ...(ids && ids.length > MOST_IDS ? [`just the ${ids.length} chosen runs, and no others that match`] : []),
    ...reset.map((each) => `the code's own default again for ${each}`),
  ];
}

/** What a patch sets, if that is all that it does and no list is concerned. */
function membersOf(patch: Raw): Member[] | null {
  const operations = JSON.parse(patch.text) as { op: string; path: string }[];
  const members = operations.map(({ path }, index) => ({ path, literal: literalAt(patch.text, `/${index}/value`) }));
  const isPlain = operations.every(
    ({ op, path }) => (op === "add" || op === "replace") && path !== "" && pointerTokens(path).every(isName),
  );
  return isPlain ? members.map(({ path, literal = "null" }) => ({ path, literal })) : null;
}

function isName(token: string): boolean {
  return !/^(-|\d+)$/.test(token);
}

/** The members as one document, values as they are spelled. */
function nested(members: readonly Member[]): string {
  const tree: Tree = new Map();
  for (const { path, literal } of members) {
    const tokens = pointerTokens(path);
    let place = tree;
    for (const token of tokens.slice(0, -1)) {
      const inner = place.get(token);
      const next: Tree = inner instanceof Map ? inner : new Map();
      place.set(token, next);
      place = next;
    }
    place.set(tokens.at(-1) ?? "", literal);
  }
  return textOf(tree);
}

type Tree = Map<string, Tree | string>;

function textOf(tree: Tree | string): string {
  if (typeof tree === "string") return tree;
  return `{${[...tree].map(([name, value]) => `${JSON.stringify(name)}: ${textOf(value)}`).join(", ")}}`;
}
