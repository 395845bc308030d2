/** Every read of the dashboard: its key, its address, and how fresh it has to be. */

import { infiniteQueryOptions, keepPreviousData, QueryCache, QueryClient, queryOptions } from "@tanstack/react-query";
import { problemFrom, read, segment } from "@/api/client";
import type {
  Bulk,
  BulkItems,
  BulkList,
  Comparison,
  EventList,
  GroupDetail,
  Histogram,
  Inbox,
  Info,
  Lineage,
  LogPage,
  RunCount,
  RunDetail,
  RunList,
  StepDetail,
  WorkerList,
  WorkflowDetail,
  WorkflowList,
} from "@/api/contract";
import { isPaused } from "@/api/live";
import { formatQuery, parseQuery, term } from "@/pure/query";

export const PAGE_SIZE = 50;

export function makeQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      // Whatever page meets the end of the session first, the shell asks for the token again.
      onError: (error, query) => {
        if (problemFrom(error).status === 401 && query.queryKey[0] !== "info") {
          void client.invalidateQueries({ queryKey: ["info"] });
        }
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retry: (count, error) => count < 2 && problemFrom(error).isPassing,
        refetchOnWindowFocus: () => !isPaused(),
        refetchOnReconnect: () => !isPaused(),
      },
    },
  });
  return client;
}

export const infoQuery = () =>
  queryOptions({
    queryKey: ["info"],
    queryFn: ({ signal }) => read<Info>("info", {}, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const runsQuery = (q: string) =>
  infiniteQueryOptions({
    queryKey: ["runs", q],
    queryFn: ({ pageParam, signal }) => read<RunList>("runs", { q, cursor: pageParam, limit: PAGE_SIZE }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    // New rows wait behind a button; the list must not move by itself.
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
    refetchOnMount: "always",
    placeholderData: keepPreviousData,
  });

/** The newest page only, to learn which runs a list does not show yet. */
export const newestRunsQuery = (q: string) =>
  queryOptions({
    queryKey: ["newest-runs", q],
    queryFn: ({ signal }) => read<RunList>("runs", { q, limit: PAGE_SIZE }, signal),
    enabled: false,
  });

export const runCountQuery = (q: string) =>
  queryOptions({
    queryKey: ["run-count", q],
    queryFn: ({ signal }) => read<RunCount>("runs/count", { q }, signal),
    placeholderData: keepPreviousData,
  });

export const histogramQuery = (q: string, since: string) =>
  queryOptions({
    queryKey: ["histogram", q, since],
    queryFn: ({ signal }) => read<Histogram>("runs/histogram", { q, since, buckets: 48 }, signal),
    placeholderData: keepPreviousData,
    staleTime: 15_000,
  });

export const runQuery = (id: string) =>
  queryOptions({
    queryKey: ["run", id],
    queryFn: ({ signal }) => read<RunDetail>(`runs/${segment(id)}`, {}, signal),
  });

export const stepQuery = (id: string, step: string, attempt: number | undefined) =>
  queryOptions({
    queryKey: ["run", id, "step", step, attempt ?? null],
    queryFn: ({ signal }) => read<StepDetail>(`runs/${segment(id)}/steps/${segment(step)}`, { attempt }, signal),
  });

export const lineageQuery = (id: string) =>
  queryOptions({
    queryKey: ["run", id, "lineage"],
    queryFn: ({ signal }) => read<Lineage>(`runs/${segment(id)}/lineage`, {}, signal),
  });

/** The newest runs that the steps of a run have started. */
export const childrenQuery = (id: string) =>
  queryOptions({
    queryKey: ["run", id, "children"],
    queryFn: ({ signal }) => read<RunList>("runs", { q: `parent:${id}`, limit: 200 }, signal),
  });

export const eventsQuery = (id: string) =>
  queryOptions({
    queryKey: ["run", id, "events"],
    queryFn: ({ signal }) => read<EventList>(`runs/${segment(id)}/events`, {}, signal),
  });

const LOG_PAGE = 500;
/** A step may log for days while somebody looks; what is older than this many lines is let go. */
export const MOST_LINES = 20_000;

export interface LogTail extends LogPage {
  /** Lines before these that were read and let go. */
  dropped: number;
}

/** The newest lines. Reading again asks only for what came since: lines are never rewritten. */
export const logsQuery = (id: string, step: string | undefined, attempt: number | undefined) => {
  const queryKey = ["logs", id, step ?? null, attempt ?? null];
  return queryOptions({
    queryKey,
    queryFn: async ({ client, signal }) => {
      let { items, last, dropped } = client.getQueryData<LogTail>(queryKey) ?? { items: [], last: 0, dropped: 0 };
      for (let full = true; full; ) {
        const after = last === 0 ? null : last;
        const path = `runs/${segment(id)}/logs`;
        const page = await read<LogPage>(path, { step, attempt, after, limit: LOG_PAGE }, signal);
        const all = [...items, ...page.items];
        items = all.slice(-MOST_LINES);
        dropped += all.length - items.length;
        full = page.items.length === LOG_PAGE;
        last = page.last;
      }
      return { items, last, dropped };
    },
    structuralSharing: false,
  });
};

export const comparisonQuery = (a: string, b: string) =>
  queryOptions({
    queryKey: ["compare", a, b],
    queryFn: ({ signal }) => read<Comparison>(`compare/${segment(a)}/${segment(b)}`, {}, signal),
  });

export const workflowsQuery = () =>
  queryOptions({
    queryKey: ["workflows"],
    queryFn: ({ signal }) => read<WorkflowList>("workflows", {}, signal),
  });

export const workflowQuery = (name: string, version: number | undefined) =>
  queryOptions({
    queryKey: ["workflow", name, version ?? null],
    queryFn: ({ signal }) => read<WorkflowDetail>(`workflows/${segment(name)}`, { version }, signal),
  });

export const workersQuery = () =>
  queryOptions({
    queryKey: ["workers"],
    queryFn: ({ signal }) => read<WorkerList>("workers", {}, signal),
  });

export type GroupStatus = "open" | "snoozed" | "resolved";

/** Without `since` groups would be those of the last day, and what broke on Friday be gone on Monday. */
const INBOX_SINCE = "30d";

export const inboxQuery = (status: GroupStatus) =>
  queryOptions({
    queryKey: ["inbox", status],
    queryFn: ({ signal }) => read<Inbox>("inbox", { status, since: INBOX_SINCE }, signal),
    placeholderData: keepPreviousData,
  });

export const groupQuery = (fingerprint: string) =>
  queryOptions({
    queryKey: ["inbox", "group", fingerprint],
    queryFn: ({ signal }) => read<GroupDetail>(`inbox/${segment(fingerprint)}`, {}, signal),
  });

export const bulksQuery = () =>
  queryOptions({
    queryKey: ["bulks"],
    queryFn: ({ signal }) => read<BulkList>("replays", {}, signal),
  });

export const bulkQuery = (id: string) =>
  queryOptions({
    queryKey: ["bulk", id],
    queryFn: ({ signal }) => read<Bulk>(`replays/${segment(id)}`, {}, signal),
  });

export const bulkItemsQuery = (id: string, state: string | undefined) =>
  infiniteQueryOptions({
    queryKey: ["bulk", id, "items", state ?? null],
    queryFn: ({ pageParam, signal }) =>
      read<BulkItems>(`replays/${segment(id)}/items`, { state, cursor: pageParam, limit: 100 }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
  });

const MOST_PICKED = 2_000;

export interface Rest {
  q: string;
  /** `undefined` when there are too many to pick from: the query alone says what is meant. */
  ids: string[] | undefined;
}

/** The runs of a group that have had no second chance that succeeded: the first of each family, never its replays. */
export const restQuery = (fingerprint: string, workflow: string) =>
  queryOptions({
    queryKey: ["rest", fingerprint],
    queryFn: async ({ signal }): Promise<Rest> => {
      const q = `fingerprint:${fingerprint} status:failed replay:no`;
      const failed = await readRuns(q, signal);
      const saved = await readRuns(formatQuery([...parseQuery(HEALED).terms, term("workflow", workflow)]), signal);
      if (failed === null || saved === null) return { q, ids: undefined };
      const recovered = new Set(saved.map((run) => run.family_id));
      return { q, ids: failed.filter((run) => !recovered.has(run.family_id)).map((run) => run.id) };
    },
    staleTime: 0,
  });

const HEALED = "status:succeeded replay:yes";

/** All runs that match, or `null` when they are too many to look at one by one. */
async function readRuns(q: string, signal: AbortSignal): Promise<RunList["items"] | null> {
  const found: RunList["items"] = [];
  for (let cursor: string | null = null; ; ) {
    const page: RunList = await read<RunList>("runs", { q, cursor, limit: 500 }, signal);
    found.push(...page.items);
    if (page.next_cursor === null) return found;
    if (found.length >= MOST_PICKED) return null;
    cursor = page.next_cursor;
  }
}
