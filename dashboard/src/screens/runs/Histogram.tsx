import { useState } from "react";
import type { Histogram as Counts } from "@/api/contract";
import { lookOf, RUN_STATUSES } from "@/pure/status";
import { formatInstant, formatMinute } from "@/pure/time";
import { TONE_FILL } from "@/ui/Glyph";

/** From the bottom up: what needs a look stands where it is seen first. */
const STACK = ["failed", "cancelled", "queued", "running", "succeeded"] as const;

/** Runs over time. Dragging over it asks for that span of time. */
export function Histogram({ counts, onSpan }: { counts: Counts; onSpan: (from: string, to: string) => void }) {
  const [brush, setBrush] = useState<[number, number] | null>(null);
  const bars = counts.buckets;
  const total = (bar: (typeof bars)[number]) =>
    RUN_STATUSES.reduce((sum, status) => sum + (bar.counts[status] ?? 0), 0);
  const tallest = Math.max(1, ...bars.map(total));
  const endOf = (index: number) => new Date(Date.parse(bars[index]?.at ?? "") + counts.width_s * 1000).toISOString();
  const finish = () => {
    const [from, to] = [...(brush ?? [])].sort((a, b) => a - b);
    setBrush(null);
    const first = bars[from ?? -1];
    if (first && to !== undefined) onSpan(first.at, endOf(to));
  };
  return (
    <figure>
      <div
        className="flex h-12 touch-none select-none items-end gap-px"
        role="img"
        aria-label={`${bars.reduce((sum, bar) => sum + total(bar), 0)} runs over time, the busiest ${Math.round(counts.width_s / 60)} minutes have ${tallest}`}
        onPointerLeave={() => setBrush(null)}
        onPointerUp={finish}
      >
        {bars.map((bar, index) => (
          <div
            key={bar.at}
            title={`${formatInstant(bar.at)}: ${sentence(bar.counts)}`}
            onPointerDown={() => setBrush([index, index])}
            onPointerEnter={() => setBrush((old) => old && [old[0], index])}
            className={`flex h-full min-w-0 flex-1 cursor-crosshair flex-col-reverse gap-px rounded-xs hover:bg-sunken ${
              isInside(brush, index) ? "bg-accent-soft" : ""
            }`}
          >
            {STACK.map((status) => {
              const count = bar.counts[status] ?? 0;
              const height = `${Math.max(count > 0 ? 4 : 0, (count / tallest) * 100)}%`;
              return count > 0 ? (
                <div
                  key={status}
                  className={`rounded-xs ${status === "succeeded" ? "opacity-35" : "opacity-90"} ${TONE_FILL[lookOf(status).tone]}`}
                  style={{ height }}
                />
              ) : null;
            })}
          </div>
        ))}
      </div>
      <figcaption className="flex justify-between border-line border-t pt-0.5 text-2xs text-ink-faint">
        <span>{bars[0] ? formatMinute(bars[0].at) : ""}</span>
        <span>{bars.length > 0 ? formatMinute(endOf(bars.length - 1)) : ""}</span>
      </figcaption>
    </figure>
  );
}

function isInside(brush: [number, number] | null, index: number): boolean {
  return brush !== null && index >= Math.min(...brush) && index <= Math.max(...brush);
}

function sentence(counts: Record<string, number>): string {
  const parts = RUN_STATUSES.filter((status) => counts[status]).map((status) => `${counts[status]} ${status}`);
  return parts.join(", ") || "no runs";
}
