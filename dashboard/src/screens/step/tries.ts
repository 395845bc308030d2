import type { AttemptDetail, ErrorDetails, StepDetail } from "@/api/contract";

/** The attempt that the drawer shows: the chosen one, else the last. */
export function chosenTry(step: StepDetail): AttemptDetail | undefined {
  return step.tries.find((attempt) => attempt.number === step.chosen_attempt) ?? step.tries.at(-1);
}

export function chosenError(step: StepDetail): ErrorDetails | null {
  return chosenTry(step)?.error ?? null;
}
