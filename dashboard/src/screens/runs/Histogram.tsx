import { useState } from "react";
import type { Histogram as Counts } from "@/api/contract";
import { lookOf, RUN_STATUSES } from "@/pure/status";
import { formatInstant, formatMinute } from "@/pure/time";
import { TONE_FILL } from "@/ui/Glyph";

/** From the bottom up: what needs a look stands where it is seen first. */
const STACK = ["failed", "cancelled", "queued", "running", "succeeded"] as const;

/** Where times are written below the bars; a phone has room for the ends alone. */
const TICKS = [
  { at: 0, look: "" },
  { at: 0.25, look: "hidden border-l pl-1 sm:inline" },
  { at: 0.5, look: "hidden border-l pl-1 sm:inline" },
  { at: 0.75, look: "hidden border-l pl-1 sm:inline" },
  { at: 1, look: "" },
] as const;

/** Runs over time. Dragging over it, or arrow keys and Enter, ask for that span of time. */
export function Histogram({ counts, onSpan }: { counts: Counts; onSpan: (from: string, to: string) => void }) {
  const [brush, setBrush] = useState<[number, number] | null>(null);
  const bars = counts.buckets;
  const total = (bar: (typeof bars)[number]) =>
    RUN_STATUSES.reduce((sum, status) => sum + (bar.counts[status] ?? 0), 0);
  const tallest = Math.max(1, ...bars.map(total));
  const searchedTo = counts.searched_to === null ? 0 : Date.parse(counts.searched_to);
  const isUnknown = (bar: (typeof bars)[number]) => Date.parse(bar.at) + counts.width_s * 1000 <= searchedTo;
  const endOf = (index: number) => new Date(Date.parse(bars[index]?.at ?? "") + counts.width_s * 1000).toISOString();
  const begin = Date.parse(bars[0]?.at ?? "");
  const timeAt = (part: number) => new Date(begin + part * bars.length * counts.width_s * 1000).toISOString();
  const span = spanOf(brush);
  const finish = () => {
    setBrush(null);
    const first = bars[span?.[0] ?? -1];
    if (first && span) onSpan(first.at, endOf(span[1]));
  };
  const newest = bars.length - 1;
  const onKey = (event: React.KeyboardEvent) => {
    const at = brush?.[1] ?? newest + 1;
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: newest }[event.key];
    if (next !== undefined) {
      const end = Math.max(0, Math.min(newest, next));
      setBrush([event.shiftKey ? (brush?.[0] ?? end) : end, end]);
    } else if (event.key === "Enter" && span) finish();
    else if (event.key === "Escape" && span) setBrush(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const chosen = span ? bars.slice(span[0], span[1] + 1) : bars;
  const words = span
    ? `${formatMinute(bars[span[0]]?.at ?? "")} – ${formatMinute(endOf(span[1]))}: ${sentence(sumOf(chosen))}`
    : `${bars.reduce((sum, bar) => sum + total(bar), 0)} runs, the busiest ${Math.round(counts.width_s / 60)} minutes have ${tallest}${searchedTo > 0 ? `; not searched before ${formatMinute(counts.searched_to ?? "")}` : ""}`;
  return (
    <figure>
      <div
        className="relative flex h-12 touch-none select-none items-end gap-px border-line border-b"
        role="slider"
        tabIndex={0}
        aria-label="Runs over time. Arrow keys choose a time, with Shift a span; Enter filters by it"
        aria-valuemin={0}
        aria-valuemax={Math.max(0, newest)}
        aria-valuenow={span?.[1] ?? newest}
        aria-valuetext={words}
        onKeyDown={onKey}
        onBlur={() => setBrush(null)}
        onPointerLeave={() => setBrush(null)}
        onPointerUp={finish}
      >
        <span className="pointer-events-none absolute inset-x-0 top-0 border-line border-t border-dashed text-2xs text-ink-faint leading-4">
          {tallest}
        </span>
        {bars.map((bar, index) => (
          <div
            key={bar.at}
            title={`${formatInstant(bar.at)}: ${isUnknown(bar) ? "not searched" : sentence(bar.counts)}`}
            onPointerDown={() => setBrush([index, index])}
            onPointerEnter={() => setBrush((old) => old && [old[0], index])}
            className={`flex h-full min-w-0 flex-1 cursor-crosshair flex-col-reverse gap-px rounded-xs hover:bg-sunken ${
              isInside(span, index) ? "bg-accent-soft" : isUnknown(bar) ? "bg-sunken" : ""
            }`}
          >
            {total(bar) === 0 && !isUnknown(bar) ? <div className="h-0.5 rounded-xs bg-line" /> : null}
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
      <figcaption className="relative h-4 text-2xs text-ink-faint">
        {span ? <span className="absolute whitespace-nowrap pt-0.5 text-ink-soft">{words}</span> : null}
        {bars.length > 0 && !span
          ? TICKS.map(({ at, look }) => (
              <span
                key={at}
                className={`absolute whitespace-nowrap border-line pt-0.5 ${look}`}
                style={at < 1 ? { left: `${at * 100}%` } : { right: 0 }}
              >
                {formatMinute(timeAt(at))}
              </span>
            ))
          : null}
      </figcaption>
    </figure>
  );
}

type Span = readonly [first: number, last: number];

/** The brush from left to right. */
function spanOf(brush: Span | null): Span | null {
  return brush && [Math.min(...brush), Math.max(...brush)];
}

function isInside(span: Span | null, index: number): boolean {
  return span !== null && index >= span[0] && index <= span[1];
}

function sumOf(bars: Counts["buckets"]): Record<string, number> {
  return Object.fromEntries(
    RUN_STATUSES.map((status) => [status, bars.reduce((sum, bar) => sum + (bar.counts[status] ?? 0), 0)]),
  );
}

function sentence(counts: Record<string, number>): string {
  const parts = RUN_STATUSES.filter((status) => counts[status]).map((status) => `${counts[status]} ${status}`);
  return parts.join(", ") || "no runs";
}
