import type { Bulk } from "@/api/contract";

const PARTS = [
  { name: "succeeded", word: "succeeded", fill: "bg-good" },
  { name: "failed", word: "failed or refused", fill: "bg-bad" },
  { name: "running", word: "running", fill: "bg-busy" },
  { name: "waiting", word: "waiting", fill: "" },
] as const;

/** How far a bulk replay is: one bar, and the same in words. */
export function Progress({ bulk, words = true }: { bulk: Bulk; words?: boolean }) {
  const { progress, total } = bulk;
  const ended = progress.succeeded + progress.failed;
  const sentence = PARTS.filter(({ name }) => progress[name] > 0)
    .map(({ name, word }) => `${progress[name]} ${word}`)
    .join(", ");
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <div
        role="progressbar"
        aria-label="Replays that have ended"
        aria-valuemin={0}
        aria-valuemax={total}
        aria-valuenow={ended}
        aria-valuetext={`${ended} of ${total}: ${sentence}`}
        className="flex h-2 gap-px overflow-hidden rounded-full bg-sunken"
      >
        {PARTS.map(({ name, fill }) =>
          progress[name] > 0 ? (
            <div
              key={name}
              className={`h-full transition-[width] ${fill}`}
              style={{ width: `${(progress[name] / total) * 100}%` }}
            />
          ) : null,
        )}
      </div>
      {words ? (
        <p className="text-ink-soft text-sm">
          <span className="font-mono">
            {ended}/{total}
          </span>{" "}
          ended · {sentence}
        </p>
      ) : null}
    </div>
  );
}
