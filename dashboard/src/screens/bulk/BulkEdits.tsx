import type { RunDetail, StepDetail } from "@/api/contract";
import { type BulkDraft, RUN_INPUT } from "@/screens/bulk/draft";
import { withOverride, withOverrides } from "@/screens/replay/draft";
import { Playground } from "@/screens/step/Playground";
import { Button } from "@/ui/Button";
import { FIELD } from "@/ui/Labelled";

/** What changes for every one of the runs: variables of the step that failed, and patches of inputs. */
export function BulkEdits({
  draft,
  onDraft,
  run,
  step,
}: {
  draft: BulkDraft;
  onDraft: (draft: BulkDraft) => void;
  run: RunDetail | undefined;
  step: StepDetail | undefined;
}) {
  const override = (name: string, at: string, literal: string | null | undefined) =>
    onDraft(withOverride(draft, at, name, literal));
  const elsewhere = Object.entries(draft.overrides).filter(([name]) => name !== step?.name);
  return (
    <div className="flex flex-col gap-3">
      {step && step.variables.length > 0 ? (
        <Playground
          step={step}
          changes={draft.overrides[step.name] ?? {}}
          onChange={(changes) => onDraft(withOverrides(draft, step.name, changes))}
        />
      ) : null}
      {elsewhere.flatMap(([at, values]) =>
        Object.entries(values).map(([name, literal]) => (
          <p key={`${at} ${name}`} className="flex flex-wrap items-center gap-2 text-sm">
            <span className="text-ink-soft">
              {at} · variable {name}
            </span>
            <code className="wrap-anywhere font-mono text-accent text-xs">{literal ?? "as in the code"}</code>
            <Button kind="quiet" className="h-6" onClick={() => override(name, at, undefined)}>
              leave as it was
            </Button>
          </p>
        )),
      )}
      {Object.entries(draft.patches).map(([at, text]) => (
        <Patch
          key={at}
          of={at}
          text={text}
          onText={(next) => onDraft({ ...draft, patches: { ...draft.patches, [at]: next } })}
          onRemove={() => {
            const { [at]: _, ...others } = draft.patches;
            onDraft({ ...draft, patches: others });
          }}
        />
      ))}
      <AddPatch
        places={[RUN_INPUT, ...(run?.steps.map((each) => each.name) ?? [])].filter((at) => !(at in draft.patches))}
        onAdd={(at) => onDraft({ ...draft, patches: { ...draft.patches, [at]: EXAMPLE } })}
      />
    </div>
  );
}

const EXAMPLE = '[\n  {"op": "replace", "path": "/name", "value": "new value"}\n]';

function Patch({
  of,
  text,
  onText,
  onRemove,
}: {
  of: string;
  text: string;
  onText: (text: string) => void;
  onRemove: () => void;
}) {
  return (
    <div className="flex flex-col gap-1">
      <div className="flex items-center gap-2">
        <label htmlFor={`patch-${of}`} className="text-ink-soft text-xs">
          JSON Patch of {of === RUN_INPUT ? "the run input" : `the input of ${of}`}, for every run
        </label>
        <Button kind="quiet" className="ml-auto h-6" onClick={onRemove}>
          remove
        </Button>
      </div>
      <textarea
        id={`patch-${of}`}
        rows={Math.min(10, text.split("\n").length)}
        spellCheck={false}
        className="w-full rounded-md border border-line bg-surface px-2 py-1.5 font-mono text-xs hover:border-line-strong"
        value={text}
        onChange={(event) => onText(event.target.value)}
      />
    </div>
  );
}

function AddPatch({ places, onAdd }: { places: string[]; onAdd: (at: string) => void }) {
  return (
    <label className="flex items-center gap-2 text-ink-soft text-xs">
      Change a field of
      <select className={FIELD} value="" onChange={(event) => onAdd(event.target.value)}>
        <option value="">nothing</option>
        {places.map((at) => (
          <option key={at} value={at}>
            {at === RUN_INPUT ? "the run input" : `the input of ${at}`}
          </option>
        ))}
      </select>
    </label>
  );
}
