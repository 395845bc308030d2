import { Link } from "@tanstack/react-router";
import { columnVisibilityFeature, createColumnHelper, rowSelectionFeature, tableFeatures } from "@tanstack/react-table";
import type { RunSummary } from "@/api/contract";
import { splitClass } from "@/pure/classname";
import { compactJson } from "@/pure/compact";
import { shortId } from "@/pure/ids";
import { formatDuration } from "@/pure/time";
import { Ago, Took } from "@/ui/Moment";
import { Status } from "@/ui/Status";

export const features = tableFeatures({ columnVisibilityFeature, rowSelectionFeature });
const helper = createColumnHelper<typeof features, RunSummary>();

/** Grid tracks, by column. */
export const WIDTHS: Record<string, string> = {
  select: "2.25rem",
  status: "7.25rem",
  run: "9.5rem",
  workflow: "minmax(8rem, 1.1fr)",
  problem: "minmax(9rem, 2.2fr)",
  input: "minmax(8rem, 1.4fr)",
  key: "minmax(6rem, 1fr)",
  created: "5.5rem",
  took: "4.75rem",
};

/** What a user may hide; shown by default unless named in `HIDDEN`. */
export const OPTIONAL = [
  { id: "problem", label: "Failure" },
  { id: "input", label: "Input" },
  { id: "key", label: "Idempotency key" },
  { id: "created", label: "Created" },
  { id: "took", label: "Took" },
];
export const HIDDEN = ["key"];

export const columns = helper.columns([
  helper.display({
    id: "select",
    header: () => <span className="sr-only">Selected</span>,
    cell: ({ row }) => (
      <label className="-m-2 flex size-9 items-center justify-center">
        <span className="sr-only">Select run {row.original.id}</span>
        <input
          type="checkbox"
          tabIndex={-1}
          className="size-4 accent-accent"
          checked={row.getIsSelected()}
          onChange={(event) => row.toggleSelected(event.target.checked)}
        />
      </label>
    ),
  }),
  helper.accessor("status", {
    header: "Status",
    cell: ({ getValue }) => <Status status={getValue()} className="flex" />,
  }),
  helper.accessor("id", {
    id: "run",
    header: "Run",
    cell: ({ row: { original: run } }) => (
      <span className="flex items-center gap-1.5">
        <RunLink run={run} />
        {run.source_id ? (
          <span className="rounded-sm bg-accent-soft px-1 text-2xs text-accent" title={`Replay of ${run.source_id}`}>
            replay
          </span>
        ) : null}
      </span>
    ),
  }),
  helper.accessor("workflow", {
    header: "Workflow",
    cell: ({ row: { original: run } }) => (
      <>
        {run.workflow}
        <span className="text-ink-faint"> v{run.version}</span>
      </>
    ),
  }),
  helper.display({ id: "problem", header: "Failed at", cell: ({ row }) => <Failure run={row.original} /> }),
  helper.accessor("input_head", {
    id: "input",
    header: "Input",
    cell: ({ getValue }) => <span className="font-mono text-ink-soft text-xs">{compactJson(getValue())}</span>,
  }),
  helper.accessor("idempotency_key", {
    id: "key",
    header: "Key",
    cell: ({ getValue }) => <span className="font-mono text-ink-soft text-xs">{getValue()}</span>,
  }),
  helper.accessor("created_at", { id: "created", header: "Created", cell: ({ getValue }) => <Ago at={getValue()} /> }),
  helper.accessor("duration_ms", { id: "took", header: "Took", cell: ({ row }) => <RunTook run={row.original} /> }),
]);

export function RunLink({ run }: { run: RunSummary }) {
  return (
    <Link
      to="/runs/$run"
      params={{ run: run.id }}
      search={{}}
      title={run.id}
      data-run={run.id}
      className="rounded-sm font-mono text-accent text-xs underline-offset-2 hover:underline"
    >
      {shortId(run.id)}
    </Link>
  );
}

export function Failure({ run }: { run: RunSummary }) {
  if (!run.failed_step && !run.error_message) return null;
  return (
    <span title={[run.error_type, run.error_message].filter(Boolean).join(": ")}>
      <span className="font-medium">{run.failed_step}</span>{" "}
      {run.error_type ? <span className="text-bad">{splitClass(run.error_type).name}</span> : null}
      {run.error_message ? (
        <span className="text-ink-soft">
          {run.error_type ? ": " : ""}
          {run.error_message}
        </span>
      ) : null}
    </span>
  );
}

export function RunTook({ run }: { run: RunSummary }) {
  if (run.duration_ms !== null) return <>{formatDuration(run.duration_ms)}</>;
  return <Took from={run.created_at} to={run.finished_at} />;
}
