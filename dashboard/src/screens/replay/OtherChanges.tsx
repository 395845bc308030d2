import { changedSteps, type Draft, withoutChanges } from "@/screens/replay/draft";
import { Button } from "@/ui/Button";

/** What was changed at other steps of the run, and goes along: nothing that is replayed may be out of sight. */
export function OtherChanges({
  draft,
  onDraft,
  panel,
}: {
  draft: Draft;
  onDraft: (draft: Draft) => void;
  /** The step whose changes are in sight; `null` where the run's input is. */
  panel: string | null;
}) {
  const others = changedSteps(draft)
    .filter((step) => step !== panel)
    .map((step) => ({
      name: step,
      what: inWords(step in draft.inputs, Object.keys(draft.overrides[step] ?? {})),
      without: () => withoutChanges(draft, step),
    }));
  if (panel !== null && draft.input !== null) {
    others.push({ name: "the run", what: "its input", without: () => ({ ...draft, input: null }) });
  }
  if (others.length === 0) return null;
  return (
    <section
      aria-label="Changed elsewhere"
      className="rounded-md border border-accent-line bg-accent-soft px-3 py-2 text-sm"
    >
      <h3 className="text-sm">Changed elsewhere, and part of this replay</h3>
      <ul className="mt-1 flex flex-col gap-1">
        {others.map(({ name, what, without }) => (
          <li key={name} className="flex items-baseline gap-2">
            <span className="wrap-anywhere min-w-0">
              <strong>{name}</strong> · {what}
            </span>
            <Button
              kind="quiet"
              className="ml-auto h-6 shrink-0"
              aria-label={`Leave out what was changed at ${name}`}
              onClick={() => onDraft(without())}
            >
              leave out
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function inWords(hasInput: boolean, variables: string[]): string {
  const parts = hasInput ? ["its input"] : [];
  if (variables.length > 0) parts.push(`${variables.length === 1 ? "variable" : "variables"} ${variables.join(", ")}`);
  return parts.join(" and ");
}
