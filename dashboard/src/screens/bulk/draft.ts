/** A bulk replay as a person puts it together: what changes for all of the runs, and how carefully to go on. */

import type { BulkBody, BulkRequest, EditOperation, RunDetail } from "@/api/contract";
import { readJson } from "@/pure/json";
import { Raw, writeRequest } from "@/pure/wire";
import { type Overrides, overridesOf } from "@/screens/replay/draft";

/** In a draft's `patches`, where the run input is meant. */
export const RUN_INPUT = "input";

export interface BulkDraft {
  fromBeginning: boolean;
  /** Empty: where each run failed. */
  startSteps: string[];
  /** Text of a JSON Patch, by step. A whole document would copy one run's input to all others. */
  patches: Record<string, string>;
  overrides: Record<string, Overrides>;
  code: string;
  reason: string;
  freshKey: boolean;
  /** Begin with one, then with a tenth, and go on when they have ended well. */
  canary: boolean;
  /** Replays per second, as typed; nothing: no limit. */
  rate: string;
  stopAfter: string;
  stopOnNew: boolean;
}

export const CAREFUL: BulkDraft = {
  fromBeginning: false,
  startSteps: [],
  patches: {},
  overrides: {},
  code: "latest",
  reason: "",
  freshKey: false,
  canary: true,
  rate: "",
  stopAfter: "2",
  stopOnNew: true,
};

/** What was done to one run, to be done to others. */
export function draftOf(replay: NonNullable<RunDetail["replay"]>): Partial<BulkDraft> {
  return {
    fromBeginning: replay.from_beginning,
    startSteps: replay.from_beginning ? [] : replay.start_steps,
    patches: mapValues(replay.edits, patchText),
    overrides: replay.overrides,
    code: replay.code === "same" ? "same" : "latest",
    reason: replay.reason,
  };
}

/** One operation a line. Values keep their spelling. */
export function patchText(operations: readonly EditOperation[]): string {
  const lines = operations.map((operation) =>
    writeRequest({
      op: operation.op,
      path: operation.path,
      from: operation.from ?? undefined,
      value: operation.value === undefined ? undefined : new Raw(operation.value),
    }),
  );
  return `[\n${lines.map((line) => `  ${line}`).join(",\n")}\n]`;
}

/** Why the draft cannot be sent, if it cannot; that a reason is missing is not said before the end. */
export function problemOf(draft: BulkDraft): string | null {
  for (const [step, text] of Object.entries(draft.patches)) {
    const [problem] = readJson(text).problems;
    const what = step === RUN_INPUT ? "the run input" : step;
    if (problem) return `The patch of ${what} is no JSON yet: ${problem.message}`;
    if (!Array.isArray(JSON.parse(text))) return `The patch of ${what} has to be a list of operations.`;
  }
  if (draft.rate !== "" && !(Number(draft.rate) > 0)) return "The rate is a number of replays per second above 0.";
  if (draft.stopAfter !== "" && !/^[1-9]\d*$/.test(draft.stopAfter)) return "Stop after a whole number of failures.";
  return null;
}

export function bulkRequestOf(draft: BulkDraft): BulkRequest {
  const { [RUN_INPUT]: runInput, ...patches } = draft.patches;
  const request: BulkRequest = { code: draft.code, ...overridesOf(draft) };
  if (draft.fromBeginning) request.from_beginning = true;
  else if (draft.startSteps.length > 0) request.start_steps = draft.startSteps;
  if (Object.keys(patches).length > 0) request.patches = mapValues(patches, (text) => new Raw(text));
  if (runInput !== undefined) request.input_patch = new Raw(runInput);
  if (draft.reason.trim() !== "") request.reason = draft.reason.trim();
  if (draft.freshKey) request.fresh_key = true;
  return request;
}

export function bulkBodyOf(draft: BulkDraft, chosen: { q: string; ids?: string[] | undefined }): BulkBody {
  return {
    q: chosen.q,
    ...(chosen.ids ? { ids: chosen.ids } : {}),
    request: bulkRequestOf(draft),
    canary: draft.canary ? [1, 0.1] : [],
    ...(draft.rate === "" ? {} : { rate: Number(draft.rate) }),
    ...(draft.stopAfter === "" ? {} : { stop_after: Number(draft.stopAfter) }),
    stop_on_new: draft.stopOnNew,
  };
}

/** `1, then 8, then all 83` from the counts after which a bulk replay waits and looks. */
export function stagesInWords(stages: readonly number[]): string {
  const last = stages.at(-1) ?? 0;
  return [...stages.slice(0, -1).map(String), `all ${last}`].join(", then ");
}

/** The counts that a canary of one and a tenth leads to, as the server will set them. */
export function canaryStages(total: number): number[] {
  return [...new Set([1, Math.max(1, Math.trunc(total / 10)), total])].filter((count) => count <= total);
}

function mapValues<A, B>(values: Record<string, A>, each: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, each(value)]));
}
