import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Outlet, useMatches } from "@tanstack/react-router";
import { useRef } from "react";
import type { RunDetail } from "@/api/contract";
import { useLive } from "@/api/live";
import { runQuery } from "@/api/queries";
import { shortId } from "@/pure/ids";
import { isFinished, lookOf } from "@/pure/status";
import { RunGraphView } from "@/screens/run/GraphView";
import { RunChildren } from "@/screens/run/RunChildren";
import { RunEvents } from "@/screens/run/RunEvents";
import { RunHeader } from "@/screens/run/RunHeader";
import { RunLogs } from "@/screens/run/RunLogs";
import { Timeline } from "@/screens/run/Timeline";
import { useShortcuts } from "@/shell/shortcuts";
import { Checkbox } from "@/ui/Checkbox";
import { Loading, ProblemNotice } from "@/ui/Notice";
import { TabLinks } from "@/ui/TabLinks";
import { useNarrow } from "@/ui/useNarrow";
import { useTitle } from "@/ui/useTitle";

const route = getRouteApi("/runs/$run");
/** A busy run commits many times a second; the page reads it again at most this often. */
const REFRESH_MS = 400;
/** A graph of more steps is larger than a screen. */
const MOST_IN_A_GRAPH = 20;

export function RunPage() {
  const { run: id } = route.useParams();
  const run = useQuery(runQuery(id));
  useRefresh(run.data?.id);
  useTitle(run.data && `${lookOf(run.data.status).word} · ${run.data.workflow} ${shortId(id)}`);
  const narrow = useNarrow();
  const isCovered = useMatches({ select: (matches) => matches.length > 2 }) && narrow;
  if (run.error && !run.data)
    return <ProblemNotice error={run.error} onRetry={() => void run.refetch()} heading="h1" />;
  if (!run.data) return <Loading what="the run" />;
  return (
    <div className="flex h-full">
      <div inert={isCovered} className="flex min-w-0 flex-1 flex-col overflow-y-auto">
        <RunHeader run={run.data} />
        <Views run={run.data} />
      </div>
      <Outlet />
    </div>
  );
}

/** Nothing is listened to before the run is known to exist. */
function useRefresh(id: string | undefined): void {
  const client = useQueryClient();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const refresh = () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      void client.invalidateQueries({ queryKey: ["run", id] });
    }, REFRESH_MS);
  };
  useLive(
    id === undefined ? null : `run:${id}`,
    (name, data) => {
      if (name === "run" && (data as { id: string }).id === id) refresh();
    },
    refresh,
  );
}

function Views({ run }: { run: RunDetail }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const narrow = useNarrow();
  const view = search.view ?? "graph";
  const children = Object.values(run.children).reduce((sum, count) => sum + count, 0);
  const listSuits = narrow || run.steps.length > MOST_IN_A_GRAPH;
  const asList = search.list === undefined ? listSuits : search.list === "1";
  const toggleList = () =>
    void navigate({ to: ".", search: (old) => ({ ...old, list: asList ? "0" : "1" }), replace: true });
  const show = (next: typeof view) => () =>
    void navigate({ to: ".", search: (old) => ({ ...old, view: next }), replace: true });
  useShortcuts("Run", [
    ["1", "Graph", show("graph")],
    ["2", "Timeline", show("timeline")],
    ["3", "Logs", show("logs")],
    ["4", "Events", show("events")],
    ["5", "Runs that it has started", show("children")],
    ["l", "Graph as a list, and back", toggleList],
  ]);
  return (
    <>
      <TabLinks
        label="Views of the run"
        current={view}
        searchFor={(id) => ({ view: id === "graph" ? undefined : id })}
        tabs={[
          { id: "graph", word: "Steps" },
          { id: "timeline", word: "Timeline" },
          { id: "logs", word: "Logs" },
          { id: "events", word: "Events" },
          // Most runs start no others, and a tab that is always empty is in the way.
          ...(children > 0 || view === "children"
            ? [{ id: "children" as const, word: "Children", count: children }]
            : []),
        ]}
        end={
          view === "graph" && !narrow ? (
            <Checkbox className="text-ink-soft text-sm" checked={asList} onChange={toggleList}>
              as a list
            </Checkbox>
          ) : null
        }
      />
      <div className="flex min-h-72 flex-1 flex-col">
        {view === "graph" ? <RunGraphView run={run} asList={asList} /> : null}
        {view === "graph" && run.steps.some((step) => step.spans.length > 0) ? (
          <section aria-label="Timeline" className="border-line border-t">
            <Timeline run={run} />
          </section>
        ) : null}
        {view === "timeline" ? <Timeline run={run} /> : null}
        {view === "logs" ? <RunLogs run={run.id} isLive={!isFinished(run.status)} /> : null}
        {view === "events" ? <RunEvents run={run.id} /> : null}
        {view === "children" ? <RunChildren run={run} /> : null}
      </div>
    </>
  );
}
