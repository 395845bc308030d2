/** What a person has changed so far, and the request that it makes. */

import type { ReplayBody } from "@/api/contract";
import { Raw } from "@/pure/wire";

/** Values of one step's variables by name: a JSON literal, or `null` for the code's own default again. */
export type Overrides = Record<string, string | null>;

/** Where a replay starts. No steps: at those that failed. */
export interface Start {
  startSteps: string[];
  fromBeginning: boolean;
}

export interface Draft extends Start {
  /** Edited text of a step's input, by step. */
  inputs: Record<string, string>;
  /** Edited text of the run input; `null` when it is as it was. */
  input: string | null;
  overrides: Record<string, Overrides>;
  /** "latest", "same" or the number of a version. */
  code: string;
  reason: string;
  freshKey: boolean;
}

export const UNTOUCHED: Draft = {
  startSteps: [],
  fromBeginning: false,
  inputs: {},
  input: null,
  overrides: {},
  code: "latest",
  reason: "",
  freshKey: false,
};

/** The steps whose input or variables are changed, by name. */
export function changedSteps(draft: Draft): string[] {
  return [...new Set([...Object.keys(draft.inputs), ...Object.keys(draft.overrides)])].sort();
}

/** Without what was changed at a step. */
export function withoutChanges(draft: Draft, step: string): Draft {
  const { [step]: _, ...overrides } = draft.overrides;
  return { ...withInput(draft, step, null), overrides };
}

/** A step that is changed has to run again, at whichever step's panel one presses Replay. */
export function startingAtChanges(draft: Draft, panel: string | null, failed: string[] = []): Draft {
  const starts = draft.startSteps.length > 0 ? draft.startSteps : failed;
  const others = changedSteps(draft).filter((step) => step !== panel && !starts.includes(step));
  return draft.fromBeginning || others.length === 0 ? draft : { ...draft, startSteps: [...starts, ...others] };
}

/** The first text that was left as no JSON at another step than `panel`, or as the run's input, in words. */
export function brokenElsewhere(draft: Draft, panel: string | null): string | null {
  const step = Object.keys(draft.inputs).find((name) => name !== panel && !isJson(draft.inputs[name]));
  const place = step === undefined ? null : `step ${step}`;
  const broken = place ?? (panel !== null && draft.input !== null && !isJson(draft.input) ? "the run" : null);
  return broken === null ? null : `The changed input of ${broken} is no JSON yet. Mend it there, or leave it out.`;
}

function isJson(text: string | undefined): boolean {
  try {
    JSON.parse(text ?? "");
    return true;
  } catch {
    return false;
  }
}

/** Without the step's text when it says the same as before: what is not edited must travel byte for byte. */
export function withInput(draft: Draft, step: string, text: string | null): Draft {
  const { [step]: _, ...others } = draft.inputs;
  return { ...draft, inputs: text === null ? others : { ...others, [step]: text } };
}

/** `undefined` takes the change back. */
export function withOverride<T extends Pick<Draft, "overrides">>(
  draft: T,
  step: string,
  name: string,
  literal: string | null | undefined,
): T {
  const { [name]: _, ...others } = draft.overrides[step] ?? {};
  const mine = literal === undefined ? others : { ...others, [name]: literal };
  const { [step]: __, ...steps } = draft.overrides;
  return { ...draft, overrides: Object.keys(mine).length > 0 ? { ...steps, [step]: mine } : steps };
}

/** Several variables of one step at once, as a preset or "Undo all" changes them. */
export function withOverrides<T extends Pick<Draft, "overrides">>(
  draft: T,
  step: string,
  changes: Record<string, string | null | undefined>,
): T {
  return Object.entries(changes).reduce((sum, [name, literal]) => withOverride(sum, step, name, literal), draft);
}

export function requestOf(draft: Draft): ReplayBody {
  const body: ReplayBody = { code: draft.code };
  if (draft.fromBeginning) body.from_beginning = true;
  else if (draft.startSteps.length > 0) body.start_steps = draft.startSteps;
  if (Object.keys(draft.inputs).length > 0) body.inputs = mapValues(draft.inputs, (text) => new Raw(text));
  if (draft.input !== null) body.input = new Raw(draft.input);
  Object.assign(body, overridesOf(draft));
  if (draft.reason.trim() !== "") body.reason = draft.reason.trim();
  if (draft.freshKey) body.fresh_key = true;
  return body;
}

export function overridesOf({
  overrides,
}: Pick<Draft, "overrides">): Pick<ReplayBody, "playground" | "reset_playground"> {
  const set: Record<string, Record<string, Raw>> = {};
  const reset: Record<string, string[]> = {};
  for (const [step, values] of Object.entries(overrides)) {
    for (const [name, literal] of Object.entries(values)) {
      if (literal === null) reset[step] = [...(reset[step] ?? []), name];
      else set[step] = { ...set[step], [name]: new Raw(literal) };
    }
  }
  return {
    ...(Object.keys(set).length > 0 ? { playground: set } : {}),
    ...(Object.keys(reset).length > 0 ? { reset_playground: reset } : {}),
  };
}

/** A draft that was kept on the server; `null` when it is not of the shape that this dashboard writes. */
export function readDraft(text: string): Draft | null {
  const found = JSON.parse(text) as Partial<Record<keyof Draft, unknown>> | null;
  if (typeof found !== "object" || found === null) return null;
  const { startSteps, fromBeginning, inputs, input, overrides, code, reason, freshKey } = found;
  const fits =
    Array.isArray(startSteps) &&
    startSteps.every(isText) &&
    isMapOf(inputs, isText) &&
    (input === null || isText(input)) &&
    isMapOf(overrides, (values) => isMapOf(values, (literal) => literal === null || isText(literal))) &&
    typeof fromBeginning === "boolean" &&
    typeof freshKey === "boolean" &&
    isText(code) &&
    isText(reason);
  return fits ? ({ startSteps, fromBeginning, inputs, input, overrides, code, reason, freshKey } as Draft) : null;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isMapOf(value: unknown, isMember: (member: unknown) => boolean): boolean {
  return typeof value === "object" && value !== null && Object.values(value).every(isMember);
}

function mapValues<A, B>(values: Record<string, A>, each: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, each(value)]));
}
