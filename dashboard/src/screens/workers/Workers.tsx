import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { WorkerDetail } from "@/api/contract";
import { workersQuery } from "@/api/queries";
import { Ago } from "@/ui/Moment";
import { Empty, Loading, ProblemNotice } from "@/ui/Notice";
import { Status } from "@/ui/Status";
import { useTitle } from "@/ui/useTitle";

/** Above this, a worker's event loop is late because something blocks it. */
const LATE_MS = 100;

export function Workers() {
  useTitle("Workers");
  const workers = useQuery(workersQuery());
  const again = () => void workers.refetch();
  if (workers.error && !workers.data) return <ProblemNotice error={workers.error} onRetry={again} heading="h1" />;
  if (!workers.data) return <Loading what="the workers" />;
  const { items } = workers.data;
  return (
    <div className="h-full overflow-y-auto p-4">
      <h1 className="mb-3 text-lg">Workers</h1>
      {items.length === 0 ? <NoWorkers /> : null}
      <ul className="flex flex-col gap-3">
        {items.map((worker) => (
          <WorkerCard key={worker.id} worker={worker} />
        ))}
      </ul>
    </div>
  );
}

function WorkerCard({ worker }: { worker: WorkerDetail }) {
  return (
    <li className="grid gap-x-6 gap-y-2 rounded-lg border border-line bg-surface p-4 sm:grid-cols-[14rem_12rem_minmax(0,1fr)] lg:grid-cols-[22rem_12rem_minmax(0,1fr)]">
      <div className="min-w-0">
        <p className="flex items-center gap-3">
          <span className="truncate font-semibold" title={worker.name}>
            {worker.name}
          </span>
          <Status status={worker.state} />
        </p>
        <p className="wrap-anywhere text-ink-faint text-xs">
          {worker.host} · pid {worker.pid} · sdk {worker.sdk}
        </p>
        <p className="text-ink-faint text-xs">
          started <Ago at={worker.started_at} /> · seen <Ago at={worker.seen_at} />
        </p>
      </div>
      <div>
        <Slots running={worker.running} slots={worker.slots} />
        <p className={`mt-1 text-xs ${worker.lag_ms > LATE_MS ? "text-wait" : "text-ink-faint"}`}>
          loop lag {worker.lag_ms} ms
          {worker.lag_ms > LATE_MS ? ": a step blocks the event loop" : ""}
        </p>
      </div>
      <ul aria-label="Workflows it can run" className="wrap-anywhere flex min-w-0 flex-wrap content-start gap-1.5">
        {worker.workflows.map(({ name, number }) => (
          <li key={name}>
            <Link
              to="/workflows/$workflow"
              params={{ workflow: name }}
              search={{ version: number ?? undefined }}
              className="inline-block rounded-sm border border-line px-1.5 py-0.5 text-xs hover:border-line-strong"
            >
              {name} <span className="text-ink-faint">{number === null ? "unregistered" : `v${number}`}</span>
            </Link>
          </li>
        ))}
        {Object.entries(worker.labels).map(([name, value]) => (
          <li key={name} className="rounded-sm bg-sunken px-1.5 py-0.5 font-mono text-ink-soft text-xs">
            {name}={value}
          </li>
        ))}
      </ul>
    </li>
  );
}

function Slots({ running, slots }: { running: number; slots: number }) {
  return (
    <div>
      <p className="flex items-baseline justify-between text-sm">
        <span>slots</span>
        <span className="font-mono text-xs">
          {running}/{slots}
        </span>
      </p>
      <meter className="sr-only" min={0} max={slots} value={running}>
        {running} of {slots} slots in use
      </meter>
      <div className="mt-1 h-1.5 overflow-hidden rounded-full bg-sunken" aria-hidden="true">
        <div
          className="h-full rounded-full bg-busy"
          style={{ width: `${slots === 0 ? 0 : (running / slots) * 100}%` }}
        />
      </div>
    </div>
  );
}

function NoWorkers() {
  return (
    <Empty title="No worker is connected">
      <p>Runs wait until one is. Start a worker with the file that holds your workflows:</p>
      <pre className="overflow-x-auto rounded-md bg-sunken p-3 text-left font-mono text-ink text-sm">
        mulligan worker app.py:m
      </pre>
    </Empty>
  );
}
