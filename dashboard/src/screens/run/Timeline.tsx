import { Link } from "@tanstack/react-router";
import type { RunDetail } from "@/api/contract";
import { useNow } from "@/api/live";
import { inRunOrder } from "@/pure/graph";
import { lookOf } from "@/pure/status";
import { axisLabels, formatDuration } from "@/pure/time";
import { type Bar, waterfall } from "@/pure/waterfall";
import { TONE_FILL } from "@/ui/Glyph";
import { Empty } from "@/ui/Notice";
import { Status } from "@/ui/Status";

/** When each attempt waited, ran and rested, on one common scale. */
export function Timeline({ run }: { run: RunDetail }) {
  const now = useNow();
  const steps = inRunOrder(run.steps, run.graph.edges);
  const drawn = waterfall(steps, run.finished_at ? Date.parse(run.finished_at) : now);
  if (drawn.lanes.every((lane) => lane.bars.length === 0)) {
    return (
      <Empty title="Nothing has run yet">
        <p>Bars appear when a worker takes the first step.</p>
      </Empty>
    );
  }
  const labels = axisLabels(drawn.ticks.map((tick) => tick.ms));
  return (
    <div className="p-4">
      <div className="overflow-x-auto">
        <div className="grid min-w-xl grid-cols-[10rem_minmax(0,1fr)] gap-y-1">
          <span />
          <div className="relative h-5 text-2xs text-ink-faint" aria-hidden="true">
            {drawn.ticks.map((tick, index) => (
              <span
                key={tick.ms}
                className={`absolute font-mono ${tick.at > 0.95 ? "-translate-x-full" : tick.at > 0 ? "-translate-x-1/2" : ""}`}
                style={{ left: `${tick.at * 100}%` }}
              >
                {labels[index]}
              </span>
            ))}
          </div>
          {steps.map((step, index) => (
            <div key={step.name} className="contents">
              <Link
                to="/runs/$run/steps/$step"
                params={{ run: run.id, step: step.name }}
                search={(old) => ({ view: old.view, list: old.list })}
                title={step.name}
                className="self-center truncate rounded-sm py-1 pr-3 text-sm hover:underline"
              >
                {step.name}
              </Link>
              <div className="relative my-1 h-6 rounded-xs bg-sunken">
                {drawn.ticks.map((tick) => (
                  <i key={tick.ms} className="absolute inset-y-0 w-px bg-line" style={{ left: `${tick.at * 100}%` }} />
                ))}
                {drawn.lanes[index]?.bars.map((bar) => (
                  <TimeBar key={`${bar.kind} ${bar.attempt}`} bar={bar} />
                ))}
                {step.spans.length === 0 ? (
                  <Status status={step.status} className="absolute inset-y-0 left-2 text-xs" />
                ) : null}
              </div>
            </div>
          ))}
        </div>
      </div>
      <Legend bars={drawn.lanes.flatMap((lane) => lane.bars)} />
    </div>
  );
}

const PATTERNS: Record<Bar["kind"], string> = {
  queue: "top-2 bottom-2 rounded-xs bg-line-strong opacity-50",
  run: "inset-y-0.5 rounded-xs opacity-85",
  gap: "top-1/2 border-line-strong border-t border-dashed",
};

const WORDS: Record<Bar["kind"], string> = { queue: "waited", run: "ran", gap: "rested before the next attempt" };

function TimeBar({ bar }: { bar: Bar }) {
  const outcome = bar.outcome ?? "running";
  const look = lookOf(outcome);
  const title = `attempt ${bar.attempt} ${WORDS[bar.kind]} ${formatDuration(bar.ms)}${bar.kind === "run" ? `: ${look.word}` : ""}`;
  return (
    <span
      title={title}
      className={`absolute ${PATTERNS[bar.kind]} ${bar.kind === "run" ? TONE_FILL[look.tone] : ""}`}
      style={{ left: `${bar.from * 100}%`, width: `max(3px, ${(bar.to - bar.from) * 100}%)` }}
    >
      <span className="sr-only">{title}. </span>
    </span>
  );
}

/** Of every run; what else a bar can be is named when one is. */
const USUAL = ["succeeded", "failed"];

function Legend({ bars }: { bars: readonly Bar[] }) {
  const outcomes = bars.filter((bar) => bar.kind === "run").map((bar) => bar.outcome ?? "running");
  return (
    <p className="mt-4 flex flex-wrap gap-x-5 gap-y-1 text-ink-faint text-xs">
      <span className="flex items-center gap-1.5">
        <i className="h-2 w-4 rounded-xs bg-line-strong opacity-50" /> waiting for a worker
      </span>
      {[...new Set([...USUAL, ...outcomes])].map(lookOf).map(({ word, tone }) => (
        <span key={word} className="flex items-center gap-1.5">
          <i className={`h-4 w-4 rounded-xs ${TONE_FILL[tone]}`} /> {word}
        </span>
      ))}
      <span className="flex items-center gap-1.5">
        <i className="w-4 border-line-strong border-t border-dashed" /> rest before a retry
      </span>
    </p>
  );
}
