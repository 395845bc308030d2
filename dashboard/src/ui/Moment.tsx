import { useNow } from "@/api/live";
import { elapsed, formatAgo, formatDuration, formatInstant } from "@/pure/time";

/** How long ago, with the exact local time as tooltip. */
export function Ago({ at, className = "" }: { at: string; className?: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={formatInstant(at)} className={`whitespace-nowrap ${className}`}>
      {formatAgo(at, now)}
    </time>
  );
}

/** A length of time; without an end it grows, and says so with an ellipsis. */
export function Took({ from, to }: { from: string | null | undefined; to: string | null | undefined }) {
  return to ? words(elapsed(from, to, 0)) : <Growing from={from} />;
}

function Growing({ from }: { from: string | null | undefined }) {
  const ms = elapsed(from, null, useNow());
  return <>{ms === null ? "–" : `${formatDuration(ms)}…`}</>;
}

function words(ms: number | null): string {
  return ms === null ? "–" : formatDuration(ms);
}
