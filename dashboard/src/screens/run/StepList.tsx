import { Link } from "@tanstack/react-router";
import type { RunDetail, StepSummary } from "@/api/contract";
import { splitClass } from "@/pure/classname";
import { inRunOrder } from "@/pure/graph";
import { formatDuration } from "@/pure/time";
import { Took } from "@/ui/Moment";
import { Status } from "@/ui/Status";

/** The graph as a list: the same facts for screen readers, phones, and whoever prefers reading. */
export function StepList({ run, open }: { run: RunDetail; open: string | undefined }) {
  return (
    <ol aria-label="Steps in the order they can run" className="divide-y divide-line">
      {inRunOrder(run.steps, run.graph.edges).map((step) => (
        <li
          key={step.name}
          className={`grid grid-cols-[7.5rem_minmax(0,1fr)_auto] items-baseline gap-x-4 gap-y-0.5 px-4 py-2 ${
            step.name === open ? "bg-accent-soft" : "hover:bg-sunken"
          }`}
        >
          <Status status={step.status} />
          <span className="wrap-anywhere min-w-0">
            <Link
              to="/runs/$run/steps/$step"
              params={{ run: run.id, step: step.name }}
              search={(old) => ({ view: old.view, list: old.list })}
              className="rounded-sm font-medium underline-offset-2 hover:underline"
            >
              {step.name}
            </Link>
            <Remarks step={step} />
          </span>
          <span className="font-mono text-ink-soft text-xs">
            <StepTook step={step} />
          </span>
          <StepNote step={step} after={parentsOf(run, step.name)} />
        </li>
      ))}
    </ol>
  );
}

function parentsOf(run: RunDetail, step: string): string[] {
  return run.graph.edges.filter((edge) => edge.target === step).map((edge) => edge.source);
}

function Remarks({ step }: { step: StepSummary }) {
  return (
    <span className="ml-2 space-x-2 text-xs">
      {step.attempts > 1 ? <span className="text-ink-soft">{step.attempts} attempts</span> : null}
      {step.kind === "on_failure" ? <span className="text-ink-soft">on failure</span> : null}
      {step.edited ? <span className="text-accent">input edited</span> : null}
      {step.effect === "irreversible" ? <span className="text-wait">irreversible</span> : null}
    </span>
  );
}

export function StepTook({ step }: { step: StepSummary }) {
  if (step.status === "kept" || step.status === "not_reached" || step.status === "pending") return null;
  if (step.duration_ms !== null) return <>{formatDuration(step.duration_ms)}</>;
  return step.started_at ? <Took from={step.started_at} to={step.finished_at} /> : null;
}

function whenItRuns(step: StepSummary, after: string[]): string {
  if (step.kind === "on_failure") return "when the run has failed";
  return after.length > 0 ? `after ${after.join(", ")}` : "first";
}

function StepNote({ step, after }: { step: StepSummary; after: string[] }) {
  const note = step.error_type
    ? `${splitClass(step.error_type).name}: ${step.error_message ?? ""}`
    : (step.waiting ?? whenItRuns(step, after));
  return (
    <span className={`col-start-2 truncate text-sm ${step.error_type ? "text-bad" : "text-ink-faint"}`} title={note}>
      {note}
    </span>
  );
}
