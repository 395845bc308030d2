/** What can be done to a bulk replay at this moment. */

import type { Bulk } from "@/api/contract";

export type Brake = "pause" | "resume" | "abort";

export function brakesOf({ state, progress }: Pick<Bulk, "state"> & { progress: { waiting: number } }): Brake[] {
  if (state === "finished" || state === "aborted") return [];
  // Nothing is left to begin or to hold back; only a pause would last for ever.
  if (progress.waiting === 0) return state === "paused" ? ["resume"] : [];
  return [state === "running" ? "pause" : "resume", "abort"];
}
