/** Errors of the server (RFC 9457), and of not reaching it. */

export interface BrokenRule {
  /** The document that the path points into, such as "step summary input". */
  where: string;
  /** JSON Pointer. */
  path: string;
  rule: string;
}

export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly rules: readonly BrokenRule[];

  constructor(status: number, code: string, title: string, detail: string, rules: readonly BrokenRule[] = []) {
    super(detail);
    this.name = "Problem";
    this.status = status;
    this.code = code;
    this.title = title;
    this.rules = rules;
  }

  /** Worth trying again by itself: nothing about the request was wrong. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 503 || this.status === 502;
  }
}

/** Statuses below 500 after which the very same question can have another answer. */
const MAY_PASS = [0, 408, 409, 429];

/** Whether asking once more can help, as it cannot when the question itself was wrong. */
export function canTryAgain({ status }: Pick<Problem, "status">): boolean {
  return status >= 500 || MAY_PASS.includes(status);
}

/** `asked`: it was a question. What was to be done may have been done, if only its answer got lost. */
export function unreachable(cause: unknown, asked: boolean): Problem {
  const problem = new Problem(
    0,
    "unreachable",
    "The server does not answer",
    `${asked ? "Nothing was changed. Check" : "It may have been done all the same: look before you try again, and check"} that the server runs and that this machine can reach it; this page goes on by itself once it does.`,
  );
  problem.cause = cause;
  return problem;
}

/** Any answer that is no success -> a Problem, also from a proxy that knows nothing of problem documents. */
export async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text();
  const body = readObject(text);
  const title = TITLES[response.status] ?? asText(body.title) ?? (response.statusText || `Answer ${response.status}`);
  const detail = asText(body.detail) ?? `The server answered with status ${response.status} and no explanation.`;
  return new Problem(
    response.status,
    asText(body.code) ?? `http_${response.status}`,
    title,
    detail,
    rulesOf(body.problems),
  );
}

/** HTTP's own words are for machines. */
const TITLES: Record<number, string> = {
  400: "This is not understood",
  401: "Sign in first",
  403: "This token does not allow it",
  404: "There is no such thing",
  409: "This is not possible now",
  413: "This is too large",
  422: "This is not accepted",
  429: "Too many attempts",
  503: "The server cannot do it right now",
};

function readObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function asText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function rulesOf(value: unknown): BrokenRule[] {
  if (!Array.isArray(value)) return [];
  return value.map((each: Record<string, unknown>) => ({
    where: asText(each.where) ?? "",
    path: asText(each.path) ?? "",
    rule: asText(each.rule) ?? "breaks a rule",
  }));
}
