import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { lazy, Suspense, useMemo } from "react";
import type { WorkflowDetail } from "@/api/contract";
import { workflowQuery } from "@/api/queries";
import { JsonEditor } from "@/editor/lazy";
import { prettyJson } from "@/pure/json";
import { originWords } from "@/screens/step/InputEditor";
import { StartForm } from "@/screens/workflows/StartForm";
import { CopyButton } from "@/ui/Copy";
import { Ago } from "@/ui/Moment";
import { Loading, ProblemNotice } from "@/ui/Notice";
import { useTitle } from "@/ui/useTitle";

const RunGraph = lazy(() => import("@/graph/RunGraph").then((module) => ({ default: module.RunGraph })));
const route = getRouteApi("/workflows/$workflow");

export function WorkflowPage() {
  const { workflow: name } = route.useParams();
  const { version } = route.useSearch();
  useTitle(`Workflow ${name}`);
  const workflow = useQuery(workflowQuery(name, version));
  if (workflow.error && !workflow.data) {
    return <ProblemNotice error={workflow.error} onRetry={() => void workflow.refetch()} heading="h1" />;
  }
  if (!workflow.data) return <Loading what="the workflow" />;
  return <Page key={`${name} ${workflow.data.number}`} workflow={workflow.data} />;
}

function Page({ workflow }: { workflow: WorkflowDetail }) {
  const schema = useMemo(() => prettyJson(workflow.input_schema), [workflow.input_schema]);
  const showStep = (step: string) =>
    document.getElementById(`step ${step}`)?.scrollIntoView({ behavior: "smooth", block: "center" });
  return (
    <div className="h-full overflow-y-auto">
      <Heading workflow={workflow} />
      <div className="grid grid-cols-1 xl:grid-cols-[minmax(0,1fr)_26rem]">
        <div className="flex min-w-0 flex-col">
          <div className="border-line border-y">
            <Suspense fallback={<Loading what="the graph" />}>
              <RunGraph nodes={workflow.graph.nodes} edges={workflow.graph.edges} onSelect={showStep} />
            </Suspense>
          </div>
          <Steps workflow={workflow} />
          <section className="p-4">
            <div className="mb-2 flex items-center">
              <h2 className="text-sm">Input schema</h2>
              <CopyButton text={workflow.input_schema} what="the schema" className="ml-auto" />
            </div>
            <JsonEditor label="JSON Schema of the input" text={schema} />
          </section>
        </div>
        <StartForm workflow={workflow} />
      </div>
    </div>
  );
}

function Heading({ workflow }: { workflow: WorkflowDetail }) {
  const navigate = route.useNavigate();
  return (
    <header className="flex flex-col gap-2 p-4">
      <nav aria-label="Breadcrumb" className="text-ink-soft text-sm">
        <Link to="/workflows" className="rounded-sm hover:text-ink hover:underline">
          Workflows
        </Link>
      </nav>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <h1 className="wrap-anywhere min-w-0 font-semibold text-xl">{workflow.name}</h1>
        <label className="flex min-w-0 max-w-full items-center gap-2 text-ink-soft text-sm">
          <span className="sr-only">Version</span>
          <select
            className="h-7 min-w-0 rounded-md border border-line bg-surface px-1.5"
            value={workflow.number}
            onChange={(event) => void navigate({ search: { version: Number(event.target.value) } })}
          >
            {workflow.versions.map(({ number, label }) => (
              <option key={number} value={number}>
                v{number} {label}
              </option>
            ))}
          </select>
        </label>
        <span className="text-ink-faint text-sm">
          registered <Ago at={workflow.registered_at} /> ·{" "}
          <code className="font-mono text-xs">{workflow.digest.slice(0, 12)}</code>
        </span>
        <Link
          to="/runs"
          search={{ q: `workflow:${workflow.name}` }}
          className="ml-auto rounded-sm text-accent text-sm hover:underline"
        >
          Its runs
        </Link>
      </div>
      {workflow.doc ? <p className="max-w-prose whitespace-pre-wrap text-ink-soft">{workflow.doc}</p> : null}
    </header>
  );
}

function Steps({ workflow }: { workflow: WorkflowDetail }) {
  return (
    <section className="p-4">
      <h2 className="mb-2 text-sm">Steps</h2>
      <ol className="divide-y divide-line rounded-lg border border-line bg-surface">
        {workflow.steps.map((step) => (
          <li key={step.name} id={`step ${step.name}`} className="flex flex-col gap-1 px-3 py-2">
            <div className="flex flex-wrap items-baseline gap-x-3">
              <span className="wrap-anywhere min-w-0 font-medium">{step.name}</span>
              {step.kind === "call" ? null : (
                <span className="text-ink-faint text-xs">{step.kind.replace("_", " ")}</span>
              )}
              {step.effect === "irreversible" ? <span className="text-wait text-xs">irreversible</span> : null}
              <span className="wrap-anywhere ml-auto min-w-0 font-mono text-ink-faint text-xs">
                {step.file ? `${step.file}:${step.line}` : ""}
              </span>
            </div>
            {step.doc ? <p className="line-clamp-2 text-ink-soft text-sm">{step.doc}</p> : null}
            <p className="wrap-anywhere flex flex-wrap gap-x-4 text-ink-faint text-xs">
              <span>
                {step.arguments.map((each) => `${each.name} from ${originWords(each.origin)}`).join("; ") ||
                  "no arguments"}
              </span>
              {step.retry.retries > 0 ? <span>{step.retry.retries} retries</span> : null}
              {step.timeout_s === null ? null : <span>{step.timeout_s} s at most</span>}
              {step.sleep_s === null ? null : <span>sleeps {step.sleep_s} s</span>}
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}
