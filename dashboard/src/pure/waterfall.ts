/** The timeline as numbers: for each step, bars between 0 and 1 of the run's whole span. */

export interface Attempt {
  attempt: number;
  /** `null` while it runs. */
  outcome: string | null;
  queued_at: string | null;
  started_at: string | null;
  finished_at: string | null;
}

export interface Lane {
  name: string;
  spans: readonly Attempt[];
}

export type BarKind = "queue" | "run" | "gap";

export interface Bar {
  kind: BarKind;
  attempt: number;
  /** Of the attempt; `null` while it runs. */
  outcome: string | null;
  /** Shares of the whole span. */
  from: number;
  to: number;
  ms: number;
}

export interface Waterfall {
  /** Length of the whole span in milliseconds. */
  span: number;
  lanes: { name: string; bars: Bar[] }[];
  ticks: { at: number; ms: number }[];
}

export function waterfall(lanes: readonly Lane[], now: number): Waterfall {
  const moments = lanes.flatMap((lane) => lane.spans.flatMap((span) => momentsOf(span, now)));
  const first = moments.length > 0 ? Math.min(...moments) : now;
  const last = moments.length > 0 ? Math.max(...moments) : now;
  const span = Math.max(1, last - first);
  const share = (at: number) => (at - first) / span;
  return {
    span,
    lanes: lanes.map((lane) => ({ name: lane.name, bars: barsOf(lane.spans, now, share) })),
    ticks: ticksOf(span),
  };
}

function momentsOf(attempt: Attempt, now: number): number[] {
  const begun = attempt.queued_at ?? attempt.started_at;
  return begun ? [Date.parse(begun), endOf(attempt, now)] : [];
}

function endOf(attempt: Attempt, now: number): number {
  return attempt.finished_at
    ? Date.parse(attempt.finished_at)
    : Math.max(now, Date.parse(attempt.started_at ?? attempt.queued_at ?? ""));
}

function barsOf(spans: readonly Attempt[], now: number, share: (at: number) => number): Bar[] {
  const bars: Bar[] = [];
  let idleSince: number | null = null;
  const add = (kind: BarKind, attempt: Attempt, from: number, to: number) => {
    if (to > from)
      bars.push({
        kind,
        attempt: attempt.attempt,
        outcome: attempt.outcome,
        from: share(from),
        to: share(to),
        ms: to - from,
      });
  };
  for (const attempt of spans) {
    const queued = attempt.queued_at ? Date.parse(attempt.queued_at) : null;
    const started = attempt.started_at ? Date.parse(attempt.started_at) : null;
    const end = endOf(attempt, now);
    const begun = queued ?? started ?? end;
    if (idleSince !== null) add("gap", attempt, idleSince, begun);
    add("queue", attempt, begun, started ?? end);
    // A run that took no measurable time still deserves a mark.
    if (started !== null) add("run", attempt, started, Math.max(end, started + 1));
    idleSince = end;
  }
  return bars;
}

/** Four to eight round moments. */
function ticksOf(span: number): { at: number; ms: number }[] {
  const step = STEPS.find((each) => span / each <= 8) ?? Math.ceil(span / 8 / DAY) * DAY;
  const count = Math.floor(span / step);
  return Array.from({ length: count + 1 }, (_, index) => ({ at: (index * step) / span, ms: index * step }));
}

const DAY = 86_400_000;
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500]
  .concat([1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400].map((s) => s * 1000))
  .concat([2, 7, 14, 30].map((days) => days * DAY));
