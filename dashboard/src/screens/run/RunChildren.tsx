import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { RunDetail, RunSummary } from "@/api/contract";
import { useLive } from "@/api/live";
import { childrenQuery } from "@/api/queries";
import { compactJson } from "@/pure/compact";
import { shortId } from "@/pure/ids";
import { Failure, RunTook } from "@/screens/runs/columns";
import { buttonLook } from "@/ui/Button";
import { Empty, Loading, ProblemNotice } from "@/ui/Notice";
import { Status } from "@/ui/Status";
import { useThrottled } from "@/ui/useThrottled";

const LOOK_EVERY_MS = 1_000;

/** The runs that the steps of this run have started, newest first. */
export function RunChildren({ run }: { run: RunDetail }) {
  const children = useQuery(childrenQuery(run.id));
  const again = useThrottled(() => void children.refetch(), LOOK_EVERY_MS);
  useLive("runs", (name, data) => name === "run" && (data as RunSummary).parent_id === run.id && again(), again);
  if (children.error && !children.data) {
    return <ProblemNotice error={children.error} onRetry={() => void children.refetch()} />;
  }
  if (!children.data) return <Loading what="its runs" />;
  const { items, next_cursor: more } = children.data;
  if (items.length === 0) {
    return (
      <Empty title="No step of this run has started another">
        <p>
          A step that calls a workflow or a task makes a run of its own, with retries and a history of its own. It would
          be listed here.
        </p>
      </Empty>
    );
  }
  return (
    <div className="flex flex-col">
      <p className="flex flex-wrap items-center gap-3 px-4 py-2 text-ink-soft text-sm">
        {countsInWords(run.children)}
        <Link to="/runs" search={{ q: `parent:${run.id}` }} className={buttonLook("quiet")}>
          {more ? `The newest ${items.length}; open all as a list` : "Open as a list"}
        </Link>
      </p>
      <ul aria-label="Runs that it has started" className="divide-y divide-line border-line border-t">
        {items.map((child) => (
          <Child key={child.id} child={child} />
        ))}
      </ul>
    </div>
  );
}

function countsInWords(counts: RunDetail["children"]): string {
  return Object.entries(counts)
    .map(([status, count]) => `${count} ${status}`)
    .join(", ");
}

function Child({ child }: { child: RunSummary }) {
  return (
    <li className="grid grid-cols-[7.5rem_minmax(0,1fr)_auto] items-baseline gap-x-4 gap-y-0.5 px-4 py-2 hover:bg-sunken">
      <Status status={child.status} />
      <span className="flex min-w-0 flex-wrap items-baseline gap-x-3">
        <Link
          to="/runs/$run"
          params={{ run: child.id }}
          search={{}}
          className="wrap-anywhere min-w-0 rounded-sm font-medium underline-offset-2 hover:underline"
        >
          {child.workflow}
        </Link>
        <span className="font-mono text-ink-faint text-xs" title={child.id}>
          {shortId(child.id)}
        </span>
        {child.parent_step ? <span className="text-ink-soft text-xs">started by {child.parent_step}</span> : null}
      </span>
      <span className="font-mono text-ink-soft text-xs">
        <RunTook run={child} />
      </span>
      <span className="col-start-2 truncate text-sm">
        {child.failed_step ? (
          <Failure run={child} />
        ) : (
          <code className="font-mono text-ink-soft text-xs">{compactJson(child.input_head)}</code>
        )}
      </span>
    </li>
  );
}
