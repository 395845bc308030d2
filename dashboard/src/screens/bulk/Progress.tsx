import type { Bulk } from "@/api/contract";

const PARTS = [
  { name: "succeeded", fill: "bg-good" },
  { name: "failed", fill: "bg-bad" },
  { name: "refused", fill: "bg-bad" },
  { name: "running", fill: "bg-busy" },
  { name: "waiting", fill: "" },
] as const;

/** How far a bulk replay is: one bar, and the same in words. */
export function Progress({ bulk, words = true }: { bulk: Bulk; words?: boolean }) {
  const { progress, total } = bulk;
  const ended = progress.succeeded + progress.failed;
  // The server counts the refused among the failed.
  const counts = { ...progress, failed: progress.failed - progress.refused };
  const parts = PARTS.filter(({ name }) => counts[name] > 0);
  const sentence = parts.map(({ name }) => `${counts[name]} ${name}`).join(", ");
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
        {parts.map(({ name, fill }) => (
          <div
            key={name}
            className={`h-full transition-[width] ${fill}`}
            style={{ width: `${(counts[name] / total) * 100}%` }}
          />
        ))}
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
