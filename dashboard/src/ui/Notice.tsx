import { TriangleAlert } from "lucide-react";
import { problemFrom } from "@/api/client";
import { canTryAgain } from "@/api/problem";
import { pointerWords } from "@/pure/json";
import { Button } from "@/ui/Button";

/** What went wrong, whose fault it is and what to do next, in the server's own words. */
export function ProblemNotice({
  error,
  onRetry,
  heading: Heading = "p",
}: {
  error: unknown;
  onRetry?: () => void;
  /** "h1" where it stands for the whole page. */
  heading?: "p" | "h1";
}) {
  const problem = problemFrom(error);
  return (
    <div role="alert" className="m-4 rounded-lg border border-bad-line bg-bad-soft p-4">
      <Heading className="flex items-center gap-2 font-semibold text-bad">
        <TriangleAlert className="size-4" aria-hidden="true" />
        {problem.title}
      </Heading>
      <p className="wrap-anywhere mt-1 max-w-prose text-ink">
        <Sentence text={problem.message} />
      </p>
      <BrokenRules error={error} />
      {onRetry && canTryAgain(problem) ? (
        <Button className="mt-3" onClick={onRetry}>
          Try again
        </Button>
      ) : null}
    </div>
  );
}

/** A sentence of the server, with what stands between backticks as code. */
export function Sentence({ text }: { text: string }) {
  return text.split(/`([^`]+)`/).map((part, index) =>
    index % 2 === 1 ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one sentence, in their order
      <code key={index} className="rounded-sm bg-surface px-1 font-mono text-xs">
        {part}
      </code>
    ) : (
      part
    ),
  );
}

/** The rules one by one, unless the sentence above has said it all. */
export function BrokenRules({ error }: { error: unknown }) {
  const problem = problemFrom(error);
  const untold = problem.rules.filter((rule) => problem.rules.length > 1 || !problem.message.includes(rule.rule));
  if (untold.length === 0) return null;
  return (
    <ul className="mt-2 space-y-1">
      {untold.map((rule) => (
        <li key={`${rule.where}${rule.path}${rule.rule}`} className="text-sm">
          <code className="font-mono text-bad">
            {[rule.where, pointerWords(rule.path)].filter(Boolean).join(" · ")}
          </code>{" "}
          {rule.rule}
        </li>
      ))}
    </ul>
  );
}

/** An empty place that teaches: why it is empty, and the one thing to do about it. */
export function Empty({
  title,
  heading: Heading = "h2",
  children,
}: {
  title: string;
  heading?: "h1" | "h2";
  children?: React.ReactNode;
}) {
  return (
    <div className="mx-auto flex max-w-xl flex-col items-center gap-3 px-6 py-16 text-center">
      <svg viewBox="0 0 48 28" aria-hidden="true" className="h-10 fill-none stroke-[3.4]" strokeLinecap="round">
        <path d="M4 26V13a10 10 0 0 1 20 0v13" className="stroke-line" />
        <path d="M24 13a10 10 0 0 1 20 0v13" className="stroke-accent-line" />
      </svg>
      <Heading className="text-lg">{title}</Heading>
      <div className="space-y-3 text-ink-soft">{children}</div>
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <output className="block p-6 text-ink-faint">
      <span className="motion-safe:animate-breathe">Loading {what}…</span>
    </output>
  );
}
