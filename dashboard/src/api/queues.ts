/** What waits for workers. */

import { queryOptions } from "@tanstack/react-query";
import { read } from "@/api/client";
import type { QueueList } from "@/api/contract";
import { isPaused } from "@/api/live";

const LOOK_EVERY_MS = 3_000;

/** Depths have no stream of their own: they are looked at again while the page is open and not paused. */
export const queuesQuery = () =>
  queryOptions({
    queryKey: ["queues"],
    queryFn: ({ signal }) => read<QueueList>("queues", {}, signal),
    refetchInterval: () => (isPaused() ? false : LOOK_EVERY_MS),
  });
