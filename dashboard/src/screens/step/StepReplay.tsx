import { useMemo } from "react";
import type { StepDetail } from "@/api/contract";
import { useProblems } from "@/editor/lazy";
import { prettyJson } from "@/pure/json";
import { readSchema } from "@/pure/schema";
import type { Problem } from "@/pure/validate";
import { brokenElsewhere, type Draft, startingAtChanges, withInput, withOverrides } from "@/screens/replay/draft";
import { OtherChanges } from "@/screens/replay/OtherChanges";
import { PlanPanel, ReplayBar } from "@/screens/replay/PlanPanel";
import { syntaxInWords } from "@/screens/replay/refusal";
import { DraftNote, type Shared } from "@/screens/replay/SharedDraft";
import { useDraft, useReplay } from "@/screens/replay/useReplay";
import { InputEditor } from "@/screens/step/InputEditor";
import { Playground, playgroundProblem } from "@/screens/step/Playground";
import { chosenError } from "@/screens/step/tries";
import { useShortcuts } from "@/shell/shortcuts";
import { CommandForm } from "@/ui/CommandForm";
import { ErrorBlock } from "@/ui/ErrorBlock";

/** From failure to fix on one page: the error, the input, the variables, what would happen, and the button. */
export function StepReplay({ step, run, shared }: { step: StepDetail; run: string; shared?: Shared | undefined }) {
  const place = `${run} ${shared?.id ?? ""}`;
  const [draft, setDraft] = useDraft(place, step.name, shared?.draft ?? { startSteps: [step.name] }, shared?.draft);
  const whole = useMemo(() => startingAtChanges(draft, step.name), [draft, step.name]);
  const schema = useMemo(() => readSchema(step.input_schema), [step.input_schema]);
  const original = useMemo(() => (step.input === undefined ? undefined : prettyJson(step.input)), [step.input]);
  const text = draft.inputs[step.name] ?? original;
  const problems = useProblems(schema, text);
  const blocked = blockedBy(draft, step, problems);
  const replaying = useReplay(run, place, whole, blocked !== null);
  const error = chosenError(step);
  const input = (
    <InputEditor
      title="Input"
      about={`the arguments of ${step.name}(${step.arguments.map((argument) => argument.name).join(", ")})`}
      label={`Input of step ${step.name} as JSON`}
      schema={schema}
      origins={step.arguments}
      original={original}
      unknown={step.input_problem}
      text={text}
      problems={problems}
      onChange={(next) => setDraft(withInput(draft, step.name, next))}
    />
  );
  // Whoever gave a step variables comes for them; the input of such a step is often long.
  const hasVariables = step.variables.length > 0;
  useShortcuts("Replay", [
    ["i", "Edit the input", () => focusFirst("[data-edit=input] :is(.cm-content, input, textarea, select)")],
    ["v", "Change a variable", () => focusFirst("[data-edit=playground] :is(input, textarea, select)")],
    ["w", "Say why", () => focusFirst("[data-edit=reason]")],
  ]);
  return (
    <CommandForm className="flex min-h-0 flex-1 flex-col" onCommand={replaying.submit} takesFocus>
      <div className="flex min-h-0 flex-1 flex-col gap-6 overflow-y-auto p-4">
        <DraftNote shared={shared} />
        {error ? <ErrorBlock error={error} /> : null}
        {hasVariables ? null : input}
        <Playground
          step={step}
          changes={draft.overrides[step.name] ?? {}}
          onChange={(changes) => setDraft(withOverrides(draft, step.name, changes))}
        />
        {hasVariables ? input : null}
        <OtherChanges draft={draft} onDraft={setDraft} panel={step.name} />
        <PlanPanel draft={draft} onDraft={setDraft} replaying={replaying} blocked={blocked} />
      </div>
      <ReplayBar runId={run} draft={whole} replaying={replaying} blocked={blocked} />
    </CommandForm>
  );
}

function focusFirst(selector: string): void {
  document.querySelector<HTMLElement>(selector)?.focus();
}

/** Only what cannot even be sent. Whether the schema is kept is the server's to say, for the code that will run. */
function blockedBy(draft: Draft, step: StepDetail, problems: Problem[]): string | null {
  const text = draft.inputs[step.name];
  const broken = text === undefined ? null : syntaxInWords(text, problems);
  return broken ?? playgroundProblem(step, draft.overrides[step.name] ?? {}) ?? brokenElsewhere(draft, step.name);
}
