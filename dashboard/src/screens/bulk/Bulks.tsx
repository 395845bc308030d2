import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { bulksQuery } from "@/api/queries";
import { lookOfBulk } from "@/pure/status";
import { Progress } from "@/screens/bulk/Progress";
import { useBulkNews } from "@/screens/bulk/useBulkNews";
import { runsInWords } from "@/screens/inbox/words";
import { buttonLook } from "@/ui/Button";
import { Ago } from "@/ui/Moment";
import { Empty, Loading, ProblemNotice } from "@/ui/Notice";
import { Status } from "@/ui/Status";
import { useTitle } from "@/ui/useTitle";

/** Replays of many runs at once, the newest first. */
export function Bulks() {
  useTitle("Replays");
  const bulks = useQuery(bulksQuery());
  useBulkNews(["bulks"], bulks.data?.items.some((bulk) => bulk.state === "running") ?? false);
  if (bulks.error && !bulks.data) {
    return <ProblemNotice error={bulks.error} onRetry={() => void bulks.refetch()} heading="h1" />;
  }
  if (!bulks.data) return <Loading what="the replays" />;
  if (bulks.data.items.length === 0) return <NoBulks />;
  return (
    <div className="h-full overflow-y-auto p-4">
      <h1 className="mb-3 text-lg">Replays of many runs</h1>
      <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
        {bulks.data.items.map((bulk) => (
          <li
            key={bulk.id}
            className="grid items-center gap-x-4 gap-y-1 px-3 py-2.5 sm:grid-cols-[10rem_minmax(0,1fr)_14rem]"
          >
            <Status status={lookOfBulk(bulk.state, bulk.progress)} />
            <div className="min-w-0">
              <Link
                to="/replays/$bulk"
                params={{ bulk: bulk.id }}
                search={{}}
                className="block truncate rounded-sm font-medium hover:underline"
              >
                {bulk.reason}
              </Link>
              <p className="truncate text-ink-soft text-sm">
                {runsInWords(bulk.total)} · {bulk.author} · <Ago at={bulk.created_at} />
              </p>
            </div>
            <Progress bulk={bulk} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function NoBulks() {
  return (
    <Empty title="Nothing has been replayed in bulk yet" heading="h1">
      <p>
        When many runs failed in the same way, mend one of them, and then give all others the same second chance: from
        the inbox, or from a selection of runs.
      </p>
      <Link to="/inbox" search={{}} className={buttonLook("plain")}>
        To the inbox
      </Link>
    </Empty>
  );
}
