import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useMemo } from "react";
import type { RunDetail, WorkflowDetail } from "@/api/contract";
import { runQuery, workflowQuery } from "@/api/queries";
import { useProblems } from "@/editor/lazy";
import { inRunOrder } from "@/pure/graph";
import { prettyJson } from "@/pure/json";
import { readSchema } from "@/pure/schema";
import { failedSteps, isFinished } from "@/pure/status";
import { brokenElsewhere, type Draft, startingAtChanges } from "@/screens/replay/draft";
import { OtherChanges } from "@/screens/replay/OtherChanges";
import { PlanPanel, ReplayBar } from "@/screens/replay/PlanPanel";
import { syntaxInWords } from "@/screens/replay/refusal";
import { DraftNote, type Shared, SharedDraft } from "@/screens/replay/SharedDraft";
import { useDraft, useReplay } from "@/screens/replay/useReplay";
import { InputEditor } from "@/screens/step/InputEditor";
import { Checkbox } from "@/ui/Checkbox";
import { CommandForm } from "@/ui/CommandForm";
import { Drawer } from "@/ui/Drawer";
import { Empty, Loading, ProblemNotice } from "@/ui/Notice";
import { Status } from "@/ui/Status";

const route = getRouteApi("/runs/$run/replay");
/** No step is called so. */
const WHOLE_RUN = "input";

/** A replay of the whole run: from the beginning or from chosen steps, with another run input. */
export function RunReplay() {
  const { run: id } = route.useParams();
  const { draft: shared } = route.useSearch();
  const navigate = route.useNavigate();
  const run = useQuery(runQuery(id));
  const workflow = useQuery({ ...workflowQuery(run.data?.workflow ?? "", undefined), enabled: run.data !== undefined });
  const close = () =>
    void navigate({ to: "/runs/$run", params: { run: id }, search: (old) => ({ view: old.view, list: old.list }) });
  const error = run.error ?? workflow.error;
  return (
    <Drawer label="Replay this run" title={<h2 className="text-base">Replay this run</h2>} onClose={close}>
      {error ? <ProblemNotice error={error} /> : null}
      {run.data && !isFinished(run.data.status) ? (
        <Empty title="It has not finished yet">
          <p>A run can be replayed once it has ended. Cancel it first if it must not go on.</p>
        </Empty>
      ) : null}
      {run.data && workflow.data && isFinished(run.data.status) ? (
        <SharedDraft id={shared}>
          {(draft) => <Form key={`${id} ${shared}`} run={run.data} workflow={workflow.data} shared={draft} />}
        </SharedDraft>
      ) : null}
      {!error && (run.isPending || workflow.isPending) ? <Loading what="the run" /> : null}
    </Drawer>
  );
}

function Form({ run, workflow, shared }: { run: RunDetail; workflow: WorkflowDetail; shared: Shared | undefined }) {
  const place = `${run.id} ${shared?.id ?? ""}`;
  const start = shared?.draft ?? { fromBeginning: run.failed_step === null };
  const [draft, setDraft] = useDraft(place, WHOLE_RUN, start, shared?.draft);
  const schema = useMemo(() => readSchema(workflow.input_schema), [workflow.input_schema]);
  const original = useMemo(() => prettyJson(run.input), [run.input]);
  const text = draft.input ?? original;
  const problems = useProblems(schema, text);
  const whole = startingAtChanges(draft, null, failedSteps(run.steps));
  const broken = draft.input === null ? null : syntaxInWords(draft.input, problems);
  const blocked = broken ?? brokenElsewhere(draft, null);
  const replaying = useReplay(run.id, place, whole, blocked !== null);
  return (
    <CommandForm className="flex min-h-0 flex-1 flex-col" onCommand={replaying.submit} takesFocus>
      <div className="flex min-h-0 flex-1 flex-col gap-6 overflow-y-auto p-4">
        <DraftNote shared={shared} />
        <Starts run={run} draft={draft} onDraft={setDraft} />
        <InputEditor
          title="Run input"
          about={`of ${run.workflow}`}
          label={`Input of the run of ${run.workflow} as JSON`}
          schema={schema}
          origins={[]}
          original={original}
          unknown={null}
          text={text}
          problems={problems}
          onChange={(next) => setDraft({ ...draft, input: next })}
        />
        <OtherChanges draft={draft} onDraft={setDraft} panel={null} />
        <PlanPanel draft={draft} onDraft={setDraft} replaying={replaying} blocked={blocked} />
      </div>
      <ReplayBar runId={run.id} draft={whole} replaying={replaying} blocked={blocked} />
    </CommandForm>
  );
}

/** From the beginning, from where it failed, or from steps chosen by name. */
function Starts({ run, draft, onDraft }: { run: RunDetail; draft: Draft; onDraft: (draft: Draft) => void }) {
  const steps = inRunOrder(run.steps, run.graph.edges).filter((step) => step.kind !== "on_failure");
  const isChosen = !draft.fromBeginning && draft.startSteps.length > 0;
  const ways = [
    {
      id: "beginning",
      label: "the beginning: every step runs again",
      isOn: draft.fromBeginning,
      start: { fromBeginning: true, startSteps: [] },
    },
    ...(run.failed_step
      ? [
          {
            id: "failed",
            label: `where it failed: ${failedSteps(run.steps).join(", ") || run.failed_step}`,
            isOn: !draft.fromBeginning && !isChosen,
            start: { fromBeginning: false, startSteps: [] },
          },
        ]
      : []),
    {
      id: "steps",
      label: "these steps:",
      isOn: isChosen,
      start: { fromBeginning: false, startSteps: [run.failed_step ?? steps[0]?.name ?? ""] },
    },
  ];
  const toggle = (name: string) => {
    const startSteps = draft.startSteps.includes(name)
      ? draft.startSteps.filter((each) => each !== name)
      : [...draft.startSteps, name];
    onDraft({ ...draft, fromBeginning: startSteps.length === 0 && run.failed_step === null, startSteps });
  };
  return (
    <fieldset className="wrap-anywhere flex min-w-0 flex-col gap-1.5">
      <legend className="mb-1 font-semibold text-sm">Start from</legend>
      {ways.map((way) => (
        <label key={way.id} className="flex items-center gap-2">
          <input
            type="radio"
            name="start"
            className="shrink-0 accent-accent"
            checked={way.isOn}
            onChange={() => onDraft({ ...draft, ...way.start })}
          />
          {way.label}
        </label>
      ))}
      {isChosen ? (
        <ul className="ml-6 flex flex-wrap gap-x-4 gap-y-1.5">
          {steps.map((step) => (
            <li key={step.name}>
              <Checkbox checked={draft.startSteps.includes(step.name)} onChange={() => toggle(step.name)}>
                {step.name} <Status status={step.status} className="text-xs" />
              </Checkbox>
            </li>
          ))}
        </ul>
      ) : null}
    </fieldset>
  );
}
