/** What each status looks like: a glyph, a word and a colour, always together. */

export type Tone = "good" | "bad" | "busy" | "wait" | "off" | "kept";

export type Glyph =
  | "check"
  | "cross"
  | "dot"
  | "ring"
  | "dashes"
  | "barred"
  | "loop"
  | "moon"
  | "clock"
  | "gone"
  | "second";

export interface Look {
  word: string;
  tone: Tone;
  glyph: Glyph;
}

const LOOKS: Record<string, Look> = {
  queued: { word: "queued", tone: "wait", glyph: "ring" },
  running: { word: "running", tone: "busy", glyph: "dot" },
  retrying: { word: "retrying", tone: "wait", glyph: "loop" },
  sleeping: { word: "sleeping", tone: "wait", glyph: "moon" },
  pending: { word: "pending", tone: "off", glyph: "dashes" },
  succeeded: { word: "succeeded", tone: "good", glyph: "check" },
  failed: { word: "failed", tone: "bad", glyph: "cross" },
  timed_out: { word: "timed out", tone: "bad", glyph: "clock" },
  lost: { word: "worker lost", tone: "bad", glyph: "gone" },
  cancelled: { word: "cancelled", tone: "off", glyph: "barred" },
  not_reached: { word: "not reached", tone: "off", glyph: "dashes" },
  kept: { word: "kept", tone: "kept", glyph: "second" },
  active: { word: "active", tone: "good", glyph: "dot" },
  draining: { word: "draining", tone: "wait", glyph: "loop" },
  gone: { word: "gone", tone: "off", glyph: "gone" },
  waiting: { word: "waiting", tone: "off", glyph: "dashes" },
  refused: { word: "refused", tone: "bad", glyph: "barred" },
  paused: { word: "paused", tone: "wait", glyph: "moon" },
  stopped: { word: "stopped", tone: "bad", glyph: "barred" },
  aborted: { word: "aborted", tone: "off", glyph: "barred" },
  finished: { word: "finished", tone: "good", glyph: "check" },
};

/** Every known status has a look; one from a newer server shows its own word. */
export function lookOf(status: string): Look {
  return LOOKS[status] ?? { word: status.replaceAll("_", " "), tone: "off", glyph: "ring" };
}

/** A bulk replay: one that came to its end with failures says so, and does not look as if all were well. */
export function lookOfBulk(
  state: string,
  { succeeded, failed, refused }: { succeeded: number; failed: number; refused: number },
): Look {
  const look = lookOf(state);
  if (state !== "finished" || failed === 0) return look;
  // The refused are among the failed.
  const ends = [count(failed - refused, "failed"), count(refused, "refused")].filter(Boolean);
  return {
    word: [look.word, ...ends].join(", "),
    tone: succeeded === 0 ? "bad" : "wait",
    glyph: "cross",
  };
}

function count(number: number, word: string): string {
  return number > 0 ? `${number.toLocaleString("en")} ${word}` : "";
}

export const RUN_STATUSES = ["queued", "running", "failed", "succeeded", "cancelled"] as const;

export function isFinished(status: string): boolean {
  return status === "succeeded" || status === "failed" || status === "cancelled";
}

/** The names of the ordinary steps that failed. A run names only the first of them. */
export function failedSteps(steps: readonly { name: string; status: string; kind: string }[]): string[] {
  return steps.filter((step) => step.status === "failed" && step.kind !== "on_failure").map((step) => step.name);
}
