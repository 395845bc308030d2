/** What the search box offers while a query is typed. */

import { RUN_STATUSES } from "@/pure/status";

export interface Suggestion {
  /** Replaces the word under the cursor. */
  word: string;
  about: string;
}

const KEYS: Suggestion[] = [
  { word: "status:", about: "queued, running, failed, succeeded, cancelled" },
  { word: "workflow:", about: "name of a workflow" },
  { word: "step:", about: "the step it failed at" },
  { word: "error:", about: "type of the error; error:~text searches the message" },
  { word: "since:", about: "not older than, such as 24h or 7d" },
  { word: "until:", about: "not younger than" },
  { word: "replay:", about: "yes or no" },
  { word: "input.", about: "a field of the input, such as input.lang:fr" },
  { word: "tag.", about: "metadata, such as tag.team:web" },
  { word: "attempt:", about: "number of attempts, such as attempt:>1" },
  { word: "version:", about: "version of the code" },
  { word: "source:", about: "replays made from this run" },
  { word: "parent:", about: "runs that the steps of this run have started" },
  { word: "bulk:", about: "replays that this bulk replay has made" },
  { word: "family:", about: "a run and all its replays" },
  { word: "fingerprint:", about: "the same kind of failure" },
];

const SINCE = ["1h", "24h", "7d", "30d"];
const MOST = 8;

/** The word that ends at the cursor, a leading minus excluded. */
export function wordAt(text: string, cursor: number): { from: number; word: string } {
  const before = text.slice(0, cursor);
  const start = before.lastIndexOf(" ") + 1;
  const from = before.charAt(start) === "-" ? start + 1 : start;
  return { from, word: before.slice(from) };
}

export function suggestions(word: string, workflows: readonly string[]): Suggestion[] {
  const colon = word.indexOf(":");
  if (colon < 0) return KEYS.filter((each) => each.word.startsWith(word) && each.word !== word).slice(0, MOST);
  const key = word.slice(0, colon);
  const begun = word.slice(colon + 1);
  return valuesOf(key, workflows)
    .filter((value) => value.startsWith(begun) && value !== begun)
    .slice(0, MOST)
    .map((value) => ({ word: `${key}:${value}`, about: "" }));
}

function valuesOf(key: string, workflows: readonly string[]): readonly string[] {
  if (key === "status") return RUN_STATUSES;
  if (key === "workflow") return workflows;
  if (key === "replay") return ["yes", "no"];
  return key === "since" ? SINCE : [];
}

/** 26 characters of lower-case base32hex: an id pasted into the search box leads straight to its run. */
export function isRunId(text: string): boolean {
  return /^[0-9a-v]{26}$/.test(text.trim());
}
