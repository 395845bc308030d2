import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { WorkflowSummary } from "@/api/contract";
import { workflowsQuery } from "@/api/queries";
import { lookOf, RUN_STATUSES } from "@/pure/status";
import { TONE_FILL } from "@/ui/Glyph";
import { Ago } from "@/ui/Moment";
import { Empty, Loading, ProblemNotice } from "@/ui/Notice";
import { useTitle } from "@/ui/useTitle";

export function Workflows() {
  useTitle("Workflows");
  const workflows = useQuery(workflowsQuery());
  const again = () => void workflows.refetch();
  if (workflows.error && !workflows.data) return <ProblemNotice error={workflows.error} onRetry={again} heading="h1" />;
  if (!workflows.data) return <Loading what="the workflows" />;
  return (
    <div className="h-full overflow-y-auto p-4">
      <h1 className="mb-3 text-lg">Workflows</h1>
      {workflows.data.items.length === 0 ? <NoWorkflows /> : null}
      <ul className="grid grid-cols-1 gap-3 lg:grid-cols-2 2xl:grid-cols-3">
        {workflows.data.items.map((workflow) => (
          <Card key={workflow.name} workflow={workflow} />
        ))}
      </ul>
    </div>
  );
}

function Card({ workflow }: { workflow: WorkflowSummary }) {
  const total = RUN_STATUSES.reduce((sum, status) => sum + (workflow.counts[status] ?? 0), 0);
  return (
    <li className="relative flex flex-col gap-2 rounded-lg border border-line bg-surface p-4 focus-within:border-accent hover:border-line-strong">
      <div className="flex items-baseline gap-2">
        <Link
          to="/workflows/$workflow"
          params={{ workflow: workflow.name }}
          search={{}}
          title={workflow.name}
          className="truncate font-semibold after:absolute after:inset-0 after:content-['']"
        >
          {workflow.name}
        </Link>
        <span className="shrink-0 text-ink-faint text-sm">v{workflow.version}</span>
        <span className="ml-auto whitespace-nowrap text-ink-faint text-xs">
          {workflow.is_task ? "task" : `${workflow.steps} steps`}
        </span>
      </div>
      <p className="line-clamp-2 min-h-5 text-ink-soft text-sm">{workflow.doc.split("\n\n")[0]}</p>
      <div className="flex h-1.5 gap-px overflow-hidden rounded-full bg-sunken" aria-hidden="true">
        {RUN_STATUSES.map((status) => {
          const count = workflow.counts[status] ?? 0;
          return count > 0 ? (
            <span
              key={status}
              className={TONE_FILL[lookOf(status).tone]}
              style={{ width: `${(count / total) * 100}%` }}
            />
          ) : null;
        })}
      </div>
      <p className="flex flex-wrap gap-x-4 text-ink-soft text-xs">
        <span>
          {total === 0
            ? "no runs in 24 h"
            : `${RUN_STATUSES.filter((status) => workflow.counts[status])
                .map((status) => `${workflow.counts[status]} ${lookOf(status).word}`)
                .join(", ")} in 24 h`}
        </span>
        <span className={`ml-auto ${workflow.workers === 0 ? "font-medium text-wait" : ""}`}>
          {workflow.workers === 0
            ? "no worker can run it"
            : `${workflow.workers} ${workflow.workers === 1 ? "worker" : "workers"}`}
        </span>
        <span>
          registered <Ago at={workflow.registered_at} />
        </span>
      </p>
    </li>
  );
}

function NoWorkflows() {
  return (
    <Empty title="No workflow is known yet">
      <p>A worker tells the server what it can run when it connects. Start one:</p>
      <pre className="overflow-x-auto rounded-md bg-sunken p-3 text-left font-mono text-ink text-sm">
        mulligan worker app.py:m
      </pre>
    </Empty>
  );
}
