/** Why a draft cannot be replayed, in one sentence, for the place beside the button. */

import type { Problem as Refusal } from "@/api/problem";
import { pointerWords } from "@/pure/json";
import type { Problem } from "@/pure/validate";

/** A text that is no JSON cannot even be sent; `null` when it is one. */
export function syntaxInWords(text: string, problems: readonly Problem[]): string | null {
  const broken = problems.find((problem) => problem.rule === "syntax");
  if (!broken) return null;
  return `The input is no JSON yet, line ${text.slice(0, broken.from).split("\n").length}: ${broken.message}`;
}

/** The first rule that the server found broken, and how many more; its own sentence when it named none. */
export function refusalInWords({ rules: [first, ...others], message }: Pick<Refusal, "rules" | "message">): string {
  if (!first) return message;
  const place = pointerWords(first.path) || first.where;
  return `${place} ${first.rule}${others.length > 0 ? `, and ${others.length} more` : ""}`.trim();
}
