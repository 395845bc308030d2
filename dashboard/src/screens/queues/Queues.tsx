import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Queue, WorkerDetail } from "@/api/contract";
import { workersQuery } from "@/api/queries";
import { queuesQuery } from "@/api/queues";
import { formatQuery, term } from "@/pure/query";
import { lookOf } from "@/pure/status";
import { Glyph, TONE_TEXT } from "@/ui/Glyph";
import { Ago } from "@/ui/Moment";
import { Empty, Loading, ProblemNotice } from "@/ui/Notice";
import { Status } from "@/ui/Status";
import { useTitle } from "@/ui/useTitle";

/** What the steps of a queue are doing, with the status that says so elsewhere. */
const STATES = [
  { count: "ready", look: lookOf("queued") },
  { count: "running", look: lookOf("running") },
  { count: "retrying", look: lookOf("retrying") },
  { count: "sleeping", look: lookOf("sleeping") },
] as const;

/** What waits and what runs, by step, with the reason in words; and who is there to do it. */
export function Queues() {
  useTitle("Queues");
  const queues = useQuery(queuesQuery());
  const workers = useQuery(workersQuery());
  const again = () => void queues.refetch();
  if (queues.error && !queues.data) return <ProblemNotice error={queues.error} onRetry={again} heading="h1" />;
  if (!queues.data) return <Loading what="the queues" />;
  const { items } = queues.data;
  return (
    <div className="flex h-full flex-col gap-6 overflow-y-auto p-4">
      <section>
        <h1 className="mb-3 text-lg">Queues</h1>
        {items.length === 0 ? <NothingWaits /> : null}
        <ul className="flex flex-col gap-3">
          {items.map((queue) => (
            <QueueCard key={`${queue.route} ${queue.step}`} queue={queue} />
          ))}
        </ul>
      </section>
      <section>
        <h2 className="mb-2 flex items-baseline gap-3 text-sm">
          Workers
          <Link to="/workers" className="font-normal text-accent text-xs hover:underline">
            all about them
          </Link>
        </h2>
        <Crew workers={workers.data?.items ?? []} />
      </section>
    </div>
  );
}

function QueueCard({ queue }: { queue: Queue }) {
  return (
    <li className="flex flex-col gap-2 rounded-lg border border-line bg-surface p-4">
      <div className="flex flex-wrap items-baseline gap-x-5 gap-y-1">
        <h3 className="wrap-anywhere min-w-0 text-base">
          <Link
            to="/runs"
            search={{ q: unfinishedOf(queue.workflow) }}
            className="rounded-sm hover:underline"
            title="The runs that are under way"
          >
            <span className="font-normal text-ink-soft">{queue.workflow} / </span>
            {queue.step}
          </Link>
        </h3>
        <dl className="flex flex-wrap gap-x-5 gap-y-1">
          {STATES.map(({ count, look }) => (
            <div key={count} className="flex items-center gap-1.5 text-sm">
              <dt className="flex items-center gap-1.5 text-ink-soft">
                <Glyph name={look.glyph} className={`size-3 ${TONE_TEXT[look.tone]}`} />
                {look.word}
              </dt>
              <dd className="font-mono text-xs">{queue[count].toLocaleString("en")}</dd>
            </div>
          ))}
        </dl>
        <span className="text-ink-faint text-xs sm:ml-auto">
          the oldest <Ago at={queue.oldest_at} />
        </span>
      </div>
      {queue.waiting ? (
        <p className="wrap-anywhere flex items-start gap-2 rounded-md border border-wait-line bg-wait-soft px-3 py-2 text-sm">
          <Glyph name="ring" className="mt-1 size-3 shrink-0 text-wait" />
          {queue.waiting}
        </p>
      ) : null}
      <p className="text-ink-faint text-xs">
        {queue.workers.length === 0 ? "No connected worker can run it." : `Can be run by ${queue.workers.join(", ")}.`}
      </p>
    </li>
  );
}

/** The runs behind a queue: those of its workflow that have not ended. */
function unfinishedOf(workflow: string): string {
  return formatQuery([term("status", "queued"), term("status", "running"), term("workflow", workflow)]);
}

function Crew({ workers }: { workers: WorkerDetail[] }) {
  if (workers.length === 0) return <p className="text-ink-soft">None is connected.</p>;
  return (
    <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
      {workers.map((worker) => (
        <li key={worker.id} className="flex flex-wrap items-center gap-x-5 gap-y-1 px-4 py-2 text-sm">
          <span className="min-w-40 truncate font-medium">{worker.name}</span>
          <Status status={worker.state} />
          <span className="font-mono text-ink-soft text-xs">
            {worker.running}/{worker.slots} slots
          </span>
          <span className="text-ink-faint text-xs sm:ml-auto">
            seen <Ago at={worker.seen_at} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function NothingWaits() {
  return (
    <Empty title="Nothing waits and nothing runs">
      <p>Steps appear here while they wait for a worker, run, rest before another attempt, or sleep.</p>
    </Empty>
  );
}
