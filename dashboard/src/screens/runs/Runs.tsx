import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { RowSelectionState } from "@tanstack/react-table";
import { ArrowUp } from "lucide-react";
import { lazy, Suspense, useCallback, useMemo, useState } from "react";
import { problemFrom } from "@/api/client";
import { cancelRun } from "@/api/commands";
import type { RunSummary } from "@/api/contract";
import { histogramQuery, PAGE_SIZE, runCountQuery } from "@/api/queries";
import { plainValue, withKey } from "@/pure/query";
import { newRunsWords } from "@/pure/runlist";
import { isFinished } from "@/pure/status";
import { formatMinute } from "@/pure/time";
import { ColumnMenu, hiddenColumns } from "@/screens/runs/ColumnMenu";
import { Chips, StatusSwitches, withoutStatuses } from "@/screens/runs/Filters";
import { Histogram } from "@/screens/runs/Histogram";
import { NoRuns } from "@/screens/runs/NoRuns";
import { RunTable } from "@/screens/runs/RunTable";
import { Views } from "@/screens/runs/SavedViews";
import { useRunList } from "@/screens/runs/useRunList";
import { announce } from "@/ui/announce";
import { Button, buttonLook } from "@/ui/Button";
import { copyAndSay } from "@/ui/Copy";
import { Loading, ProblemNotice } from "@/ui/Notice";
import { useTitle } from "@/ui/useTitle";

const BulkDialog = lazy(() => import("@/screens/bulk/BulkDialog").then((module) => ({ default: module.BulkDialog })));
const route = getRouteApi("/runs");

export function Runs() {
  const { q = "", cols } = route.useSearch();
  const navigate = route.useNavigate();
  const [selection, setSelection] = useState<RowSelectionState>({});
  const { list, runs, waiting, showNew } = useRunList(q);
  const counts = useQuery(runCountQuery(withoutStatuses(q)));
  const matching = useQuery(runCountQuery(q));
  const histogram = useQuery(histogramQuery(q, plainValue(q, "since") ?? "24h"));
  const onQuery = (next: string) => void navigate({ search: (old) => ({ ...old, q: next || undefined }) });
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  useTitle(q ? `Runs ${q}` : "Runs");
  const searchedTo = list.data?.pages.at(-1)?.searched_to ?? null;
  const onEnd = useCallback(() => {
    // What is further back is searched when somebody asks for it: it may be long, and all in vain.
    if (hasNextPage && !isFetchingNextPage && searchedTo === null) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, searchedTo]);
  const hidden = useMemo(() => hiddenColumns(cols), [cols]);
  const selected = runs.filter((run) => selection[run.id]);
  const total = matching.data?.total ?? runs.length;
  const countedTo = matching.data?.searched_to ?? null;

  return (
    <div className="flex h-full flex-col">
      <div className="flex flex-col gap-2 px-3 pt-3 pb-2">
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <h1 className="text-lg">Runs</h1>
          <Views q={q} />
          <Total count={total} countedTo={countedTo} />
          <ColumnMenu cols={cols} onChange={(next) => void navigate({ search: (old) => ({ ...old, cols: next }) })} />
        </div>
        {histogram.data ? (
          <Histogram
            counts={histogram.data}
            onSpan={(from, to) => onQuery(withKey(withKey(q, "since", from), "until", to))}
          />
        ) : (
          <div className="h-[4.2rem]" />
        )}
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <StatusSwitches q={q} counts={counts.data} onQuery={onQuery} />
          <Chips q={q} onQuery={onQuery} />
        </div>
      </div>
      <div className="relative flex min-h-0 flex-1 flex-col">
        {waiting > 0 ? (
          <Button
            kind="primary"
            className="-translate-x-1/2 absolute top-2 left-1/2 sm:top-9 z-20 rounded-full shadow-lift motion-safe:animate-arrive"
            onClick={showNew}
          >
            <ArrowUp className="size-3.5" aria-hidden="true" />
            {newRunsWords(waiting, PAGE_SIZE)}
          </Button>
        ) : null}
        {list.error && !list.data ? <ProblemNotice error={list.error} onRetry={() => void list.refetch()} /> : null}
        {list.isPending ? <Loading what="runs" /> : null}
        {list.data && runs.length === 0 && searchedTo === null ? <NoRuns q={q} /> : null}
        {runs.length > 0 ? (
          <RunTable
            runs={runs}
            total={total}
            hidden={hidden}
            selection={selection}
            onSelection={setSelection}
            onEnd={onEnd}
          />
        ) : null}
        {searchedTo ? (
          <FurtherBack
            found={runs.length}
            searchedTo={searchedTo}
            isSearching={isFetchingNextPage}
            onSearch={() => void fetchNextPage()}
          />
        ) : null}
      </div>
      {selected.length > 0 ? (
        <SelectionBar
          key={q}
          selected={selected}
          q={q}
          total={countedTo ? null : total}
          onClear={() => setSelection({})}
        />
      ) : null}
    </div>
  );
}

function Total({ count, countedTo }: { count: number; countedTo: string | null }) {
  return (
    <span className="ml-auto text-ink-soft text-sm">
      <span className="font-mono">{count.toLocaleString("en")}</span> {count === 1 ? "run" : "runs"}
      {countedTo ? ` since ${formatMinute(countedTo)}` : ""}
    </span>
  );
}

/** Inputs have no index. What was not searched is said, and searched when somebody asks for it. */
function FurtherBack({
  found,
  searchedTo,
  isSearching,
  onSearch,
}: {
  found: number;
  searchedTo: string;
  isSearching: boolean;
  onSearch: () => void;
}) {
  return (
    <p className="flex flex-wrap items-center gap-x-4 gap-y-2 border-line border-t bg-surface px-3 py-2 text-ink-soft text-sm">
      <span aria-live="polite">
        {found === 0 ? "No run since" : "No other since"} {formatMinute(searchedTo)}: inputs are searched a part at a
        time.
      </span>
      <Button disabled={isSearching} onClick={onSearch}>
        {isSearching ? "Searching…" : "Search further back"}
      </Button>
    </p>
  );
}

function SelectionBar({
  selected,
  q,
  total,
  onClear,
}: {
  selected: RunSummary[];
  q: string;
  /** `null`: not all of them have been counted. */
  total: number | null;
  onClear: () => void;
}) {
  const client = useQueryClient();
  const [isAll, setAll] = useState(false);
  const [replaying, setReplaying] = useState(false);
  const [first, second] = selected;
  const all = total === null ? "all that match" : `all ${total.toLocaleString("en")} that match`;
  const open = selected.filter((run) => !isFinished(run.status));
  const cancel = useMutation({
    mutationFn: () => Promise.all(open.map((run) => cancelRun(run.id, ""))),
    onSuccess: (answers) =>
      announce(`Cancelled ${answers.filter((answer) => answer.changed).length} of ${open.length}.`),
    onError: (error) => announce(problemFrom(error).message, "bad"),
    onSettled: () => client.invalidateQueries({ queryKey: ["runs"] }),
  });
  return (
    <section
      aria-label="Selected runs"
      className="flex flex-wrap items-center gap-2 border-accent-line border-t bg-accent-soft px-3 py-2"
    >
      <span className="mr-2 font-medium">{isAll ? all : `${selected.length} selected`}</span>
      {q !== "" && (total === null || total > selected.length) && !isAll ? (
        <Button kind="quiet" onClick={() => setAll(true)}>
          Select {all}
        </Button>
      ) : null}
      <Button kind="primary" onClick={() => setReplaying(true)}>
        Replay…
      </Button>
      {first && second && selected.length === 2 && !isAll ? (
        <Link to="/compare/$a/$b" params={{ a: first.id, b: second.id }} className={buttonLook("plain")}>
          Compare
        </Link>
      ) : null}
      {open.length > 0 && !isAll ? (
        <Button kind="danger" disabled={cancel.isPending} onClick={() => cancel.mutate()}>
          Cancel {open.length} unfinished
        </Button>
      ) : null}
      <Button hidden={isAll} onClick={() => void copyAndSay(selected.map((run) => run.id).join("\n"), "their ids")}>
        Copy ids
      </Button>
      <Button kind="quiet" onClick={onClear}>
        Clear
      </Button>
      {replaying ? (
        <Suspense>
          <BulkDialog
            chosen={isAll ? { q } : { q: "", ids: selected.map((run) => run.id) }}
            sample={(selected.find((run) => run.failed_step) ?? first)?.id}
            onClose={() => setReplaying(false)}
          />
        </Suspense>
      ) : null}
    </section>
  );
}
