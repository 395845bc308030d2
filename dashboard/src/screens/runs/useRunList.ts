/** The list of runs that match a query: pages, updates in place, and new ones that wait to be asked for. */

import { type InfiniteData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useMemo } from "react";
import type { RunList, RunSummary } from "@/api/contract";
import { isPaused, useLive } from "@/api/live";
import { newestRunsQuery, runCountQuery, runsQuery } from "@/api/queries";
import { unseen, updateInPlace } from "@/pure/runlist";
import { useThrottled } from "@/ui/useThrottled";

/** However fast runs come, the server is asked for the newest page and the counts no more often than this. */
const LOOK_EVERY_MS = 1_500;

export function useRunList(q: string) {
  const client = useQueryClient();
  const list = useInfiniteQuery(runsQuery(q));
  const newest = useQuery(newestRunsQuery(q));
  const runs = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const update = (run: RunSummary) => {
    client.setQueryData(runsQuery(q).queryKey, (old) => old && withRun(old, run));
  };
  const look = useThrottled(() => {
    if (isPaused()) return;
    void newest.refetch().then(({ data }) => data?.items.forEach(update));
    void client.invalidateQueries({ queryKey: ["run-count"] });
    void client.invalidateQueries({ queryKey: ["histogram"] });
  }, LOOK_EVERY_MS);

  useLive(
    "runs",
    (name, data) => {
      if (name !== "run") return;
      update(data as RunSummary);
      look();
    },
    look,
  );

  const waiting = useMemo(() => unseen(runs, newest.data?.items ?? []), [runs, newest.data]);
  const showNew = () => {
    if (newest.data) client.setQueryData(runsQuery(q).queryKey, { pages: [newest.data], pageParams: [null] });
    void client.invalidateQueries({ queryKey: runCountQuery(q).queryKey });
  };
  // In an empty list nothing can be pushed away, so its first runs need not wait.
  const isFirst = list.isSuccess && runs.length === 0 && waiting.length > 0;
  const showFirst = useEffectEvent(showNew);
  useEffect(() => {
    if (isFirst) showFirst();
  }, [isFirst]);
  return { list, runs, waiting: waiting.length, showNew };
}

type Pages = InfiniteData<RunList, unknown>;

function withRun(data: Pages, run: RunSummary): Pages {
  const pages = updateInPlace(data.pages, run);
  return pages === data.pages ? data : { ...data, pages: [...pages] };
}
