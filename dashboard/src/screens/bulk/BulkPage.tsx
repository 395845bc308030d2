import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { problemFrom } from "@/api/client";
import { controlBulk } from "@/api/commands";
import type { Bulk, BulkItem } from "@/api/contract";
import { bulkItemsQuery, bulkQuery } from "@/api/queries";
import { splitClass } from "@/pure/classname";
import { shortId } from "@/pure/ids";
import { pointerWords } from "@/pure/json";
import { lookOfBulk } from "@/pure/status";
import { type Brake, brakesOf } from "@/screens/bulk/brakes";
import { stagesInWords } from "@/screens/bulk/draft";
import { Progress } from "@/screens/bulk/Progress";
import { useBulkNews } from "@/screens/bulk/useBulkNews";
import { runsInWords } from "@/screens/inbox/words";
import { announce } from "@/ui/announce";
import { Button, buttonLook } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Ago } from "@/ui/Moment";
import { Loading, ProblemNotice } from "@/ui/Notice";
import { Status, StatusPill } from "@/ui/Status";
import { TabLinks } from "@/ui/TabLinks";
import { useTitle } from "@/ui/useTitle";

const route = getRouteApi("/replays/$bulk");

/** One bulk replay: how far it is, what became of each run, and the brakes. */
export function BulkPage() {
  const { bulk: id } = route.useParams();
  const bulk = useQuery(bulkQuery(id));
  useTitle(bulk.data ? `Replay of ${runsInWords(bulk.data.total)}` : "Replays");
  useBulkNews(["bulk", id], bulk.data !== undefined && bulk.data.progress.running + bulk.data.progress.waiting > 0);
  if (bulk.error && !bulk.data) {
    return <ProblemNotice error={bulk.error} onRetry={() => void bulk.refetch()} heading="h1" />;
  }
  if (!bulk.data) return <Loading what="the replay" />;
  const { data } = bulk;
  return (
    <div className="flex h-full flex-col overflow-y-auto">
      <header className="flex flex-col gap-3 p-4">
        <nav aria-label="Breadcrumb" className="flex items-center gap-1.5 text-ink-soft text-sm">
          <Link to="/replays" className="rounded-sm hover:text-ink hover:underline">
            Replays
          </Link>
          <span aria-hidden="true">/</span>
          <span className="font-mono text-xs">{shortId(data.id)}</span>
        </nav>
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <StatusPill status={lookOfBulk(data.state, data.progress)} />
          <h1 className="wrap-anywhere min-w-0 text-lg">
            Replay of {runsInWords(data.total)}: “{data.reason}”
          </h1>
          <span className="text-ink-soft text-sm">
            {data.author} · <Ago at={data.created_at} />
          </span>
        </div>
        {data.state_reason && data.state !== "finished" ? (
          <p className={`rounded-md px-3 py-2 ${data.state === "stopped" ? "bg-bad-soft" : "bg-wait-soft"}`}>
            <Reason text={data.state_reason} />
            {data.state_by ? ` · ${data.state_by}` : ""}
          </p>
        ) : null}
        <Progress bulk={data} />
        <Outcomes bulk={data} />
        <Facts bulk={data} />
        <Controls bulk={data} />
      </header>
      <Items bulk={data} />
    </div>
  );
}

/** Where a failure is named by its fingerprint, that leads to its group. */
function Reason({ text }: { text: string }) {
  const [before = "", fingerprint, after] = text.split(/\b([0-9a-f]{16})\b/);
  if (!fingerprint) return text;
  return (
    <>
      {before}
      <Link to="/inbox/$group" params={{ group: fingerprint }} className="rounded-sm underline">
        see its group
      </Link>
      {after}
    </>
  );
}

/** The replays themselves, as lists that can be filtered, selected and replayed again. */
function Outcomes({ bulk: { id, progress, query } }: { bulk: Bulk }) {
  const failed = progress.failed - progress.refused;
  const [, group] = query.match(/\bfingerprint:([0-9a-f]{16})\b/) ?? [];
  if (progress.started === 0) return null;
  return (
    <p className="flex flex-wrap gap-2">
      {failed > 0 ? (
        <Link to="/runs" search={{ q: `bulk:${id} status:failed` }} className={buttonLook("plain")}>
          The {failed} that failed again
        </Link>
      ) : null}
      <Link to="/runs" search={{ q: `bulk:${id}` }} className={buttonLook("quiet")}>
        All replays as a list
      </Link>
      {group ? (
        <Link to="/inbox/$group" params={{ group }} className={buttonLook("quiet")}>
          Their group in the inbox
        </Link>
      ) : null}
    </p>
  );
}

function Facts({ bulk }: { bulk: Bulk }) {
  // The server leaves out what was not asked for.
  const request: Partial<Bulk["request"]> = bulk.request;
  const edits = [...Object.entries(request.patches ?? {}), ["run input", request.input_patch ?? []] as const].flatMap(
    ([step, operations]) =>
      operations.map((each) => `${step} · ${pointerWords(each.path)} → ${each.value ?? `(${each.op})`}`),
  );
  const variables = Object.entries(request.playground ?? {}).flatMap(([step, values]) =>
    Object.entries(values).map(([name, value]) => `${step} · variable ${name} → ${value}`),
  );
  const start = request.start_steps?.join(", ") || "where each failed";
  const brakes = [
    stagesInWords(bulk.stages),
    bulk.rate === null ? "" : `${bulk.rate} per second`,
    bulk.stop_after === null ? "" : `stops after ${bulk.stop_after} failures`,
    bulk.stop_on_new ? "stops when one fails in a new way" : "",
  ].filter(Boolean);
  return (
    <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1 text-sm [&_dt]:text-ink-faint">
      <dt>runs</dt>
      <dd className="wrap-anywhere font-mono text-xs leading-5">{bulk.query}</dd>
      <dt>from</dt>
      <dd>
        {request.from_beginning ? "the beginning" : start}, code {request.code ?? "latest"}
      </dd>
      <dt>changed</dt>
      <dd className="wrap-anywhere">{[...edits, ...variables].join("; ") || "nothing"}</dd>
      <dt>pace</dt>
      <dd>{brakes.join(" · ")}</dd>
    </dl>
  );
}

function Controls({ bulk }: { bulk: Bulk }) {
  const client = useQueryClient();
  const [aborting, setAborting] = useState(false);
  const control = useMutation({
    mutationFn: (what: Brake) => controlBulk(bulk.id, what),
    onSuccess: ({ state }) => announce(state === "running" ? "It goes on." : `It is ${state} now.`),
    onError: (error) => announce(problemFrom(error).message, "bad"),
    onSettled: () => {
      setAborting(false);
      return client.invalidateQueries({ queryKey: ["bulk", bulk.id] });
    },
  });
  const brakes = brakesOf(bulk);
  if (brakes.length === 0) return null;
  return (
    <div className="flex flex-wrap gap-2">
      {brakes.includes("pause") ? (
        <Button disabled={control.isPending} onClick={() => control.mutate("pause")}>
          Pause
        </Button>
      ) : null}
      {brakes.includes("resume") ? (
        <Button kind="primary" disabled={control.isPending} onClick={() => control.mutate("resume")}>
          {bulk.state === "stopped" ? "Resume in spite of it" : "Resume"}
        </Button>
      ) : null}
      {brakes.includes("abort") ? (
        <Button kind="danger" disabled={control.isPending} onClick={() => setAborting(true)}>
          Abort…
        </Button>
      ) : null}
      {aborting ? (
        <Dialog
          title="Abort this replay"
          description="No more replays are begun, for good. Those that run go on; those that have ended stay."
          onClose={() => setAborting(false)}
        >
          <div className="flex justify-end gap-2">
            <Button onClick={() => setAborting(false)}>Let it go on</Button>
            <Button kind="danger" disabled={control.isPending} onClick={() => control.mutate("abort")}>
              Abort the other {bulk.progress.waiting}
            </Button>
          </div>
        </Dialog>
      ) : null}
    </div>
  );
}

function Items({ bulk }: { bulk: Bulk }) {
  const { state } = route.useSearch();
  const items = useInfiniteQuery(bulkItemsQuery(bulk.id, state));
  const rows = items.data?.pages.flatMap((page) => page.items) ?? [];
  const { progress } = bulk;
  return (
    <section aria-label="Runs of this replay" className="flex flex-col">
      <TabLinks
        label="Runs by what became of them"
        tabs={[
          { id: "all", word: "all", count: bulk.total },
          { id: "started", word: "replayed", count: progress.started },
          { id: "refused", word: "refused", count: progress.refused },
          { id: "waiting", word: "waiting", count: progress.waiting },
        ]}
        current={state ?? "all"}
        searchFor={(id) => ({ state: id === "all" ? undefined : id })}
      />
      {items.error && !items.data ? <ProblemNotice error={items.error} onRetry={() => void items.refetch()} /> : null}
      {items.data && rows.length === 0 ? <p className="p-4 text-ink-faint">None.</p> : null}
      <ul className="divide-y divide-line px-1">
        {rows.map((item) => (
          <ItemRow key={item.position} item={item} />
        ))}
      </ul>
      {items.hasNextPage ? (
        <Button
          className="m-4 self-start"
          disabled={items.isFetchingNextPage}
          onClick={() => void items.fetchNextPage()}
        >
          Show more
        </Button>
      ) : null}
    </section>
  );
}

function ItemRow({ item }: { item: BulkItem }) {
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 px-3 py-2 text-sm">
      <span className="w-28">
        <Status status={item.status ?? item.state} />
      </span>
      <RunLink id={item.source_id} />
      {item.run_id ? (
        <>
          <span aria-hidden="true" className="text-ink-faint">
            →
          </span>
          <span className="sr-only">replayed as</span>
          <RunLink id={item.run_id} />
          {item.error_type ? (
            <span className="line-clamp-2 min-w-0 basis-full text-bad sm:basis-0 sm:flex-1 sm:truncate">
              {splitClass(item.error_type).name}
              {item.error_message ? `: ${item.error_message}` : ""}
            </span>
          ) : null}
          <Link
            to="/compare/$a/$b"
            params={{ a: item.source_id, b: item.run_id }}
            className="ml-auto rounded-sm text-ink-soft text-xs hover:text-ink hover:underline"
          >
            compare
          </Link>
        </>
      ) : null}
      {item.problem ? (
        <span className="wrap-anywhere basis-full text-ink-soft sm:basis-auto">{item.problem}</span>
      ) : null}
    </li>
  );
}

function RunLink({ id }: { id: string }) {
  return (
    <Link
      to="/runs/$run"
      params={{ run: id }}
      search={{}}
      title={id}
      className="rounded-sm font-mono text-accent text-xs hover:underline"
    >
      {shortId(id)}
    </Link>
  );
}
