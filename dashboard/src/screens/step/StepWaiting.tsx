import { useMemo } from "react";
import type { StepDetail } from "@/api/contract";
import { JsonEditor } from "@/editor/lazy";
import { prettyJson } from "@/pure/json";
import { chosenError } from "@/screens/step/tries";
import { ErrorBlock } from "@/ui/ErrorBlock";
import { Glyph } from "@/ui/Glyph";

/** A step of a run that goes on: what it got, why it waits, how earlier attempts failed. */
export function StepWaiting({ step }: { step: StepDetail }) {
  const pretty = useMemo(() => (step.input === undefined ? undefined : prettyJson(step.input)), [step.input]);
  const error = chosenError(step);
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-4 overflow-y-auto p-4">
      {step.waiting ? (
        <p className="flex items-center gap-2 rounded-md bg-wait-soft px-3 py-2">
          <Glyph name="ring" className="text-wait" />
          {step.waiting}
        </p>
      ) : null}
      {error ? <ErrorBlock error={error} /> : null}
      {pretty === undefined ? (
        <p className="text-ink-soft">{step.input_problem ?? "The input is not known yet."}</p>
      ) : (
        <JsonEditor label={`Input of step ${step.name}`} text={pretty} />
      )}
      <p className="text-ink-faint text-sm">
        Edits and replays come when the run has finished; cancel it to fix it now.
      </p>
    </div>
  );
}
