import { useMemo } from "react";
import type { StepDetail } from "@/api/contract";
import { JsonEditor } from "@/editor/lazy";
import { prettyJson } from "@/pure/json";
import { chosenTry } from "@/screens/step/tries";
import { CopyButton } from "@/ui/Copy";
import { Empty } from "@/ui/Notice";

export function StepOutput({ step }: { step: StepDetail }) {
  const pretty = useMemo(() => (step.output === undefined ? undefined : prettyJson(step.output)), [step.output]);
  if (step.output === undefined || pretty === undefined) return <NoOutput step={step} />;
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-2 overflow-y-auto p-4">
      <div className="flex items-center gap-2 text-ink-faint text-sm">
        {step.kept_from
          ? `Kept from attempt ${step.kept_from.attempt} of run ${step.kept_from.run_id}`
          : `${step.output.length.toLocaleString("en")} characters`}
        <CopyButton text={step.output} what="the output, to the letter" className="ml-auto" />
      </div>
      <JsonEditor label={`Output of step ${step.name}`} text={pretty} />
    </div>
  );
}

function NoOutput({ step }: { step: StepDetail }) {
  const error = chosenTry(step)?.error;
  return (
    <Empty title="No output">
      <p>{error ? `This attempt ended with ${error.type}, so it has none.` : "The step has not produced a result."}</p>
    </Empty>
  );
}
