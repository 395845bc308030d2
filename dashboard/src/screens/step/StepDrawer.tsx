import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import type { StepDetail } from "@/api/contract";
import { runQuery, stepQuery } from "@/api/queries";
import { isFinished, lookOf } from "@/pure/status";
import { SharedDraft } from "@/screens/replay/SharedDraft";
import { RunLogs } from "@/screens/run/RunLogs";
import { AboutStep } from "@/screens/step/AboutStep";
import { StepOutput } from "@/screens/step/StepOutput";
import { StepReplay } from "@/screens/step/StepReplay";
import { StepWaiting } from "@/screens/step/StepWaiting";
import { Drawer } from "@/ui/Drawer";
import { Loading, ProblemNotice } from "@/ui/Notice";
import { Status } from "@/ui/Status";
import { TabLinks } from "@/ui/TabLinks";

const route = getRouteApi("/runs/$run/steps/$step");

export function StepDrawer() {
  const { run, step: name } = route.useParams();
  const { attempt } = route.useSearch();
  const navigate = route.useNavigate();
  const step = useQuery(stepQuery(run, name, attempt));
  const close = () =>
    void navigate({ to: "/runs/$run", params: { run }, search: (old) => ({ view: old.view, list: old.list }) });
  return (
    <Drawer
      label={`Step ${name}`}
      onClose={close}
      title={
        <>
          <h2 className="truncate text-base" title={name}>
            {name}
          </h2>
          {step.data ? <Status status={step.data.status} /> : null}
          {step.data ? <AttemptPicker step={step.data} chosen={attempt} /> : null}
        </>
      }
    >
      {step.error && !step.data ? <ProblemNotice error={step.error} onRetry={() => void step.refetch()} /> : null}
      {step.data ? <Tabs key={`${run} ${name}`} step={step.data} run={run} /> : null}
      {step.isPending ? <Loading what="the step" /> : null}
    </Drawer>
  );
}

function AttemptPicker({ step, chosen }: { step: StepDetail; chosen: number | undefined }) {
  const navigate = route.useNavigate();
  if (step.tries.length < 2) return null;
  return (
    <label className="text-ink-soft text-sm">
      <span className="sr-only">Attempt</span>
      <select
        className="h-7 rounded-md border border-line bg-surface px-1.5"
        value={chosen ?? ""}
        onChange={(event) =>
          void navigate({
            to: ".",
            search: (old) => ({ ...old, attempt: Number(event.target.value) || undefined }),
            replace: true,
          })
        }
      >
        <option value="">last attempt</option>
        {step.tries.map(({ number, outcome }) => (
          <option key={number} value={number}>
            attempt {number} of {step.tries.length}, {lookOf(outcome ?? "running").word}
          </option>
        ))}
      </select>
    </label>
  );
}

function Tabs({ step, run }: { step: StepDetail; run: string }) {
  const search = route.useSearch();
  const { data: parent } = useQuery(runQuery(run));
  const finished = parent !== undefined && isFinished(parent.status);
  const tab = search.tab ?? "replay";
  return (
    <>
      <TabLinks
        label="Views of the step"
        current={tab}
        searchFor={(id) => ({ tab: id === "replay" ? undefined : id })}
        tabs={[
          { id: "replay", word: finished ? "Fix and replay" : "Input" },
          { id: "output", word: "Output" },
          { id: "logs", word: "Logs" },
          { id: "about", word: "About" },
        ]}
      />
      {tab === "replay" && finished ? (
        <SharedDraft id={search.draft}>{(shared) => <StepReplay step={step} run={run} shared={shared} />}</SharedDraft>
      ) : null}
      {tab === "replay" && parent && !finished ? <StepWaiting step={step} /> : null}
      {tab === "output" ? <StepOutput step={step} /> : null}
      {tab === "logs" ? (
        <RunLogs
          run={run}
          step={step.name}
          isLive={!finished}
          {...(search.attempt === undefined ? {} : { attempt: search.attempt })}
        />
      ) : null}
      {tab === "about" ? <AboutStep step={step} /> : null}
    </>
  );
}
