import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { problemFrom } from "@/api/client";
import { cancelRun } from "@/api/commands";
import type { LineageRun, RunDetail } from "@/api/contract";
import { lineageQuery, runQuery } from "@/api/queries";
import { compactJson } from "@/pure/compact";
import { shortId } from "@/pure/ids";
import { lineageRows } from "@/pure/lineage";
import { failedSteps, isFinished } from "@/pure/status";
import { formatDuration } from "@/pure/time";
import { ApplyRest } from "@/screens/bulk/ApplyRest";
import { type Binding, useShortcuts } from "@/shell/shortcuts";
import { announce } from "@/ui/announce";
import { Button, buttonLook } from "@/ui/Button";
import { ClassName } from "@/ui/ClassName";
import { CopyButton, copyAndSay } from "@/ui/Copy";
import { Dialog } from "@/ui/Dialog";
import { Glyph } from "@/ui/Glyph";
import { Ago, Took } from "@/ui/Moment";
import { Status, StatusPill } from "@/ui/Status";

export function RunHeader({ run }: { run: RunDetail }) {
  return (
    <header className="flex flex-col gap-3 px-4 pt-3 pb-4">
      <nav aria-label="Breadcrumb" className="flex min-w-0 items-center gap-1.5 text-ink-soft text-sm">
        <Link to="/runs" search={{}} className="rounded-sm hover:text-ink hover:underline">
          Runs
        </Link>
        <span aria-hidden="true">/</span>
        <Link
          to="/runs"
          search={{ q: `workflow:${run.workflow}` }}
          title={run.workflow}
          className="truncate rounded-sm hover:text-ink hover:underline"
        >
          {run.workflow}
        </Link>
        <span aria-hidden="true">/</span>
        <span className="shrink-0 font-mono text-xs" title={run.id}>
          {shortId(run.id)}
        </span>
        <CopyButton text={run.id} what="the run's id" className="-my-2" />
      </nav>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <h1 className="sr-only">
          Run {run.id} of {run.workflow}
        </h1>
        <StatusPill status={run.status} />
        <p className="wrap-anywhere min-w-0 text-lg">{headline(run)}</p>
        <Facts run={run} />
      </div>
      {run.waiting ? (
        <p className="flex items-center gap-2 rounded-md bg-wait-soft px-3 py-2">
          <Glyph name="ring" className="text-wait" />
          {run.waiting}
        </p>
      ) : null}
      {run.failure ? (
        <div className="flex flex-wrap items-baseline gap-x-4 gap-y-1 rounded-md bg-bad-soft px-3 py-2">
          <p className="wrap-anywhere line-clamp-3 min-w-0 flex-1 basis-64">
            <ClassName type={run.failure.type} className="text-sm" />
            {run.failure.message ? `: ${run.failure.message}` : ""}
          </p>
          {run.fingerprint ? (
            <Link
              to="/inbox/$group"
              params={{ group: run.fingerprint }}
              className="rounded-sm text-sm underline underline-offset-2"
            >
              All that failed like this
            </Link>
          ) : null}
        </div>
      ) : null}
      <Payload label="input" text={run.input} />
      {run.output ? <Payload label="output" text={run.output} /> : null}
      <Lineage run={run} />
      <Actions run={run} />
    </header>
  );
}

/** The step that the run failed at, and how many others failed beside it. */
function whereItFailed(run: RunDetail): string {
  const others = failedSteps(run.steps).filter((name) => name !== run.failed_step).length;
  return `${run.failed_step}${others > 0 ? ` and ${others} more` : ""}`;
}

function headline(run: RunDetail): string {
  const step = run.steps.find((each) => each.name === run.failed_step);
  if (run.status === "failed" && step) {
    return `at ${whereItFailed(run)}${step.attempts > 1 ? `, after ${step.attempts} attempts` : ""}`;
  }
  const active = run.steps.filter((each) => each.status === "running").map((each) => each.name);
  return active.length > 0 ? `in ${active.join(", ")}` : run.workflow;
}

function Facts({ run }: { run: RunDetail }) {
  return (
    <dl className="wrap-anywhere flex min-w-0 flex-wrap gap-x-4 gap-y-1 text-ink-soft text-sm [&_dd]:inline-block [&_dt]:mr-1 [&_dt]:inline [&_dt]:text-ink-faint">
      <div>
        <dt>code</dt>
        <dd>
          <Link
            to="/workflows/$workflow"
            params={{ workflow: run.workflow }}
            search={{ version: run.version }}
            className="rounded-sm hover:text-ink hover:underline"
          >
            v{run.version}
          </Link>
        </dd>
      </div>
      <div>
        <dt>created</dt>
        <dd>
          <Ago at={run.created_at} />
        </dd>
      </div>
      <div>
        <dt>took</dt>
        <dd>
          {run.duration_ms === null ? (
            <Took from={run.created_at} to={run.finished_at} />
          ) : (
            formatDuration(run.duration_ms)
          )}
        </dd>
      </div>
      {/* A replay's key is one that the browser made up: it says nothing to anybody. */}
      {run.idempotency_key && run.source_id === null ? (
        <div>
          <dt>key</dt>
          <dd className="max-w-40 truncate align-bottom font-mono text-xs" title={run.idempotency_key}>
            {run.idempotency_key}
          </dd>
        </div>
      ) : null}
      {Object.entries(run.metadata).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
      {run.parent_id ? (
        <div>
          <dt>started by</dt>
          <dd>
            {run.parent_step} of{" "}
            <Link
              to="/runs/$run"
              params={{ run: run.parent_id }}
              search={{}}
              className="font-mono text-accent text-xs hover:underline"
            >
              {shortId(run.parent_id)}
            </Link>
          </dd>
        </div>
      ) : null}
    </dl>
  );
}

function Payload({ label, text }: { label: string; text: string }) {
  return (
    <div className="flex items-start gap-3 text-sm">
      <span className="w-12 shrink-0 pt-0.5 text-ink-faint">{label}</span>
      <code className="wrap-anywhere line-clamp-2 font-mono text-ink-soft text-xs leading-5">{compactJson(text)}</code>
      <CopyButton text={text} what={`the ${label}`} className="-my-1.5" />
    </div>
  );
}

/** The family: from the first run to the newest second chance, a row for each line of descent. */
function Lineage({ run }: { run: RunDetail }) {
  const isFamily = run.source_id !== null || run.replays.length > 0;
  const lineage = useQuery({ ...lineageQuery(run.id), enabled: isFamily });
  if (!isFamily || !lineage.data) return null;
  return (
    <div className="flex items-start gap-3 text-sm">
      <span className="w-12 shrink-0 pt-0.5 text-ink-faint">lineage</span>
      <ol className="flex max-h-48 min-w-0 flex-1 flex-col gap-1.5 overflow-y-auto p-px">
        {lineageRows(lineage.data.runs).map((row) => (
          <li key={row[0]?.id} className="flex flex-wrap items-center gap-x-2 gap-y-1.5">
            {row[0]?.source_id ? (
              <span className="text-ink-faint text-xs">
                <span aria-hidden="true">↳</span> from <span className="font-mono">{shortId(row[0].source_id)}</span>
              </span>
            ) : null}
            {row.map((each, index) => (
              <Relative key={each.id} relative={each} isCurrent={each.id === run.id} isNext={index > 0} />
            ))}
          </li>
        ))}
      </ol>
    </div>
  );
}

interface RelativeShown {
  relative: LineageRun;
  isCurrent: boolean;
  /** It was made from the one that stands before it. */
  isNext: boolean;
}

function Relative({ relative: { id, status, replay }, isCurrent, isNext }: RelativeShown) {
  return (
    <span className="flex min-w-0 max-w-full items-center gap-2">
      {isNext ? (
        <span className="text-ink-faint">
          <span aria-hidden="true">→</span>
          <span className="sr-only">replayed as</span>
        </span>
      ) : null}
      <Link
        to="/runs/$run"
        params={{ run: id }}
        search={{}}
        aria-current={isCurrent ? "page" : undefined}
        title={replay ? `${replay.author}: ${replay.reason || "no reason given"}` : "the first run"}
        className="flex min-w-0 items-center gap-2 whitespace-nowrap rounded-md border border-line px-2 py-0.5 hover:border-line-strong aria-[current]:border-accent aria-[current]:bg-accent-soft"
      >
        <Status status={status} className="text-xs" />
        <span className="font-mono text-xs">{shortId(id)}</span>
        {replay ? (
          <span className="max-w-48 truncate text-ink-soft text-xs">{replay.reason || replay.author}</span>
        ) : null}
      </Link>
    </span>
  );
}

function Actions({ run }: { run: RunDetail }) {
  const navigate = useNavigate();
  const [asking, setAsking] = useState(false);
  const finished = isFinished(run.status);
  const failed = run.failed_step;
  const replayFailed = () => {
    if (!finished) announce("It has not finished yet. Wait for its end, or cancel it first.");
    else if (failed)
      void navigate({
        to: "/runs/$run/steps/$step",
        params: { run: run.id, step: failed },
        search: (old) => ({ view: old.view, list: old.list }),
      });
    else
      void navigate({
        to: "/runs/$run/replay",
        params: { run: run.id },
        search: (old) => ({ view: old.view, list: old.list }),
      });
  };
  const compareWith = (a: string): Binding => [
    "c",
    "Compare with its source",
    () => void navigate({ to: "/compare/$a/$b", params: { a, b: run.id } }),
  ];
  useShortcuts("Run", [
    ["r", "Replay from where it failed", replayFailed],
    ["e", "Copy the run's id", () => void copyAndSay(run.id, "the run's id")],
    ...(run.source_id === null ? [] : [compareWith(run.source_id)]),
  ]);
  return (
    <div className="flex flex-wrap items-center gap-2">
      {finished && failed ? (
        <Link
          to="/runs/$run/steps/$step"
          params={{ run: run.id, step: failed }}
          search={(old) => ({ view: old.view, list: old.list })}
          title={`Replay from ${whereItFailed(run)}`}
          className={buttonLook("primary", "max-w-full")}
        >
          <span className="truncate leading-5">Replay from {whereItFailed(run)}</span>
        </Link>
      ) : null}
      {finished ? (
        <Link
          to="/runs/$run/replay"
          params={{ run: run.id }}
          search={(old) => ({ view: old.view, list: old.list })}
          className={buttonLook(failed ? "plain" : "primary")}
        >
          {failed ? "Replay with another input…" : "Run again…"}
        </Link>
      ) : (
        <Button kind="danger" onClick={() => setAsking(true)}>
          Cancel…
        </Button>
      )}
      {run.source_id ? (
        <Link to="/compare/$a/$b" params={{ a: run.source_id, b: run.id }} className={buttonLook("plain")}>
          Compare with its source
        </Link>
      ) : null}
      {run.source_id && run.status === "succeeded" ? <AfterReplay source={run.source_id} run={run} /> : null}
      {asking ? <CancelDialog run={run} onClose={() => setAsking(false)} /> : null}
    </div>
  );
}

function AfterReplay({ source, run }: { source: string; run: RunDetail }) {
  const { data } = useQuery(runQuery(source));
  return data ? <ApplyRest source={data} replay={run} /> : null;
}

function CancelDialog({ run, onClose }: { run: RunDetail; onClose: () => void }) {
  const client = useQueryClient();
  const [reason, setReason] = useState("");
  const cancel = useMutation({
    mutationFn: () => cancelRun(run.id, reason),
    onSuccess: (answer) => {
      announce(
        answer.answer === "already_finished"
          ? "It had finished already; nothing was cancelled."
          : answer.stopping > 0
            ? "Cancelled. What a worker is running now gets a moment to stop."
            : "Cancelled.",
      );
      onClose();
    },
    onSettled: () => client.invalidateQueries({ queryKey: ["run", run.id] }),
  });
  return (
    <Dialog
      title="Cancel this run"
      description="Steps that wait are not started; a step that runs is told to stop. A cancelled run can be replayed."
      onClose={onClose}
    >
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          cancel.mutate();
        }}
      >
        <label className="flex flex-col gap-1 text-ink-soft text-sm">
          Reason (optional)
          <input
            className="h-8 rounded-md border border-line-strong bg-surface px-2 text-ink"
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
        </label>
        {cancel.error ? (
          <p role="alert" className="text-bad">
            {problemFrom(cancel.error).message}
          </p>
        ) : null}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Keep it running</Button>
          <Button kind="danger" type="submit" disabled={cancel.isPending}>
            Cancel the run
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
