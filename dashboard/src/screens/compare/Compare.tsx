import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { ArrowLeftRight } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import type { ComparedStep, Comparison, RunSummary } from "@/api/contract";
import { useLive } from "@/api/live";
import { comparisonQuery, lineageQuery } from "@/api/queries";
import { shortId } from "@/pure/ids";
import { pointerWords, prettyJson } from "@/pure/json";
import { formatDuration } from "@/pure/time";
import { ApplyRest } from "@/screens/bulk/ApplyRest";
import { Button, buttonLook } from "@/ui/Button";
import { Ago } from "@/ui/Moment";
import { Loading, ProblemNotice } from "@/ui/Notice";
import { Status, StatusPill } from "@/ui/Status";
import { useNarrow } from "@/ui/useNarrow";
import { useTitle } from "@/ui/useTitle";

const DiffView = lazy(() => import("@/editor/DiffView").then((module) => ({ default: module.DiffView })));
const route = getRouteApi("/compare/$a/$b");

/** Two runs side by side, what was changed between them on top. */
export function Compare() {
  const { a, b } = route.useParams();
  useTitle(`Compare ${shortId(a)} with ${shortId(b)}`);
  const compared = useQuery(comparisonQuery(a, b));
  useLive(
    compared.data ? `run:${b}` : null,
    () => void compared.refetch({ cancelRefetch: false }),
    () => void compared.refetch(),
  );
  if (compared.error && !compared.data) {
    return <ProblemNotice error={compared.error} onRetry={() => void compared.refetch()} heading="h1" />;
  }
  if (!compared.data) return <Loading what="the comparison" />;
  const { data } = compared;
  return (
    <div className="flex h-full flex-col gap-5 overflow-y-auto p-4">
      <div className="flex items-center gap-3">
        <h1 className="text-lg">Compare</h1>
        <Link to="/compare/$a/$b" params={{ a: b, b: a }} className={buttonLook("quiet")}>
          <ArrowLeftRight className="size-4" aria-hidden="true" />
          Swap
        </Link>
        <span className="ml-auto">
          <ApplyRest source={data.a} replay={data.b} />
        </span>
      </div>
      <div className="grid grid-cols-1 gap-3 sm:grid-cols-2">
        <Side letter="A" run={data.a} />
        <Side letter="B" run={data.b} />
      </div>
      <Changes data={data} />
      <Steps steps={data.steps} a={a} b={b} />
    </div>
  );
}

function Side({ letter, run }: { letter: string; run: RunSummary }) {
  const lineage = useQuery(lineageQuery(run.id));
  const replay = lineage.data?.runs.find((each) => each.id === run.id)?.replay;
  return (
    <section aria-label={`Run ${letter}`} className="flex flex-col gap-2 rounded-lg border border-line bg-surface p-3">
      <div className="flex flex-wrap items-center gap-3">
        <span className="flex size-6 items-center justify-center rounded-full bg-accent-soft font-semibold text-accent text-xs">
          {letter}
        </span>
        <StatusPill status={run.status} />
        <Link
          to="/runs/$run"
          params={{ run: run.id }}
          search={{}}
          title={run.id}
          className="font-mono text-accent text-xs hover:underline"
        >
          {shortId(run.id)}
        </Link>
        <span className="wrap-anywhere min-w-0 text-ink-soft text-sm">
          {run.workflow} v{run.version}
        </span>
        <span className="ml-auto text-ink-soft text-sm">
          {run.duration_ms === null ? "" : formatDuration(run.duration_ms)} · <Ago at={run.created_at} />
        </span>
      </div>
      <p className="text-ink-soft text-sm">
        {replay
          ? `Replay by ${replay.author} from ${replay.start_steps.join(", ")}${replay.reason ? `: “${replay.reason}”` : ""}`
          : "Not a replay"}
      </p>
      {run.error_message ? (
        <p className="line-clamp-2 text-bad text-sm">
          {run.error_type}: {run.error_message}
        </p>
      ) : null}
    </section>
  );
}

/** Nothing else was changed on purpose: every other difference follows from these, or from the world. */
function Changes({ data }: { data: Comparison }) {
  const rows = [
    ...data.edits.map((edit) => ({
      what: `${edit.step === "input" ? "run input" : edit.step} · ${pointerWords(edit.path) || "all of it"}`,
      before: edit.before,
      after: edit.after,
    })),
    ...data.overrides.map((each) => ({
      what: `${each.step} · variable ${each.name}`,
      before: each.before,
      after: each.after,
    })),
    ...(data.code.a.number === data.code.b.number
      ? []
      : [{ what: "code", before: `v${data.code.a.number}`, after: `v${data.code.b.number}` }]),
  ];
  return (
    <section aria-label="What was changed">
      <h2 className="mb-1.5 text-sm">What was changed</h2>
      {rows.length === 0 ? (
        <p className="text-ink-soft">Nothing: same input, same variables, same code.</p>
      ) : (
        <ul className="flex flex-col gap-1">
          {rows.map((row) => (
            <li key={row.what} className="wrap-anywhere flex flex-wrap items-baseline gap-x-3 text-sm">
              <span className="min-w-48 text-ink-soft">{row.what}</span>
              <code className="font-mono text-xs">
                <del className="text-ink-faint">{row.before ?? "nothing"}</del> <span aria-hidden="true">→</span>{" "}
                <ins className="text-accent no-underline">{row.after ?? "nothing"}</ins>
              </code>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

const WHY: Record<NonNullable<ComparedStep["why"]>, string> = {
  edit: "its input was edited",
  variable: "a variable was changed",
  code: "the code is another version",
  upstream: "a step before it gave another result",
  kept: "kept, not run again",
  none: "nothing was changed for it",
};

function Steps({ steps, a, b }: { steps: ComparedStep[]; a: string; b: string }) {
  const [open, setOpen] = useState<string | null>(steps.find(hasDifference)?.name ?? null);
  return (
    <section aria-label="Steps">
      <h2 className="mb-1.5 text-sm">Steps</h2>
      <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
        {steps.map((step) => (
          <li key={step.name}>
            <div className="grid grid-cols-2 items-center gap-x-4 gap-y-1 px-3 py-2 sm:grid-cols-[9rem_1fr_1fr_4rem_minmax(8rem,18rem)]">
              <span className="col-span-2 truncate font-medium sm:col-span-1">{step.name}</span>
              <SideCell side={step.a} run={a} step={step.name} />
              <SideCell side={step.b} run={b} step={step.name} />
              <span className="font-mono text-ink-soft text-xs">{durationChange(step)}</span>
              <span className="flex items-center justify-end gap-2 text-sm">
                <span className="hidden text-ink-faint text-xs lg:inline">{step.why ? WHY[step.why] : ""}</span>
                {hasDifference(step) ? (
                  <Button
                    aria-expanded={open === step.name}
                    onClick={() => setOpen(open === step.name ? null : step.name)}
                  >
                    Outputs differ
                  </Button>
                ) : (
                  <span className="text-ink-faint text-xs">{step.same_output ? "same output" : ""}</span>
                )}
              </span>
            </div>
            {open === step.name ? <Outputs step={step} /> : null}
          </li>
        ))}
      </ul>
    </section>
  );
}

function SideCell({ side, run, step }: { side: ComparedStep["a"]; run: string; step: string }) {
  if (!side) return <span className="text-ink-faint text-sm">no such step</span>;
  return (
    <Link
      to="/runs/$run/steps/$step"
      params={{ run, step }}
      search={{}}
      className="flex items-center gap-2 rounded-sm text-sm hover:underline"
    >
      <Status status={side.status} />
      <span className="font-mono text-ink-faint text-xs">
        {side.attempts > 1 ? `×${side.attempts} ` : ""}
        {side.duration_ms === null || side.status === "kept" ? "" : formatDuration(side.duration_ms)}
      </span>
    </Link>
  );
}

function hasDifference(step: ComparedStep): boolean {
  return step.same_output === false || (step.a?.output === undefined) !== (step.b?.output === undefined);
}

function durationChange({ a, b }: ComparedStep): string {
  if (!a?.duration_ms || !b?.duration_ms || b.status === "kept") return "";
  const change = Math.round((b.duration_ms / a.duration_ms - 1) * 100);
  return change === 0 ? "as long" : `${change > 0 ? "+" : "−"}${Math.abs(change)} %`;
}

function Outputs({ step }: { step: ComparedStep }) {
  const narrow = useNarrow();
  return (
    <div className="px-3 pb-3">
      <Suspense fallback={<Loading what="the difference" />}>
        <DiffView a={outputText(step.a)} b={outputText(step.b)} name={`Output of ${step.name}`} unified={narrow} />
      </Suspense>
    </div>
  );
}

function outputText(side: ComparedStep["a"]): string {
  if (side?.output !== undefined) return prettyJson(side.output);
  return side?.error ? `(no output: ${side.error.type}: ${side.error.message})` : "(no output)";
}
