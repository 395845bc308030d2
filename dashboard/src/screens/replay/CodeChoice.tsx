import { useQuery } from "@tanstack/react-query";
import { workflowQuery } from "@/api/queries";
import { Checkbox } from "@/ui/Checkbox";
import { FIELD, Labelled } from "@/ui/Labelled";

interface Chosen {
  code: string;
  freshKey: boolean;
}

/** Which code a replay runs, and whether what it calls outside takes it for something new. */
export function CodeChoice<D extends Chosen>({
  draft,
  onDraft,
  workflow,
  same,
}: {
  draft: D;
  onDraft: (draft: D) => void;
  /** Unknown while it is being read. */
  workflow: string | undefined;
  /** What "same" means here. */
  same: string;
}) {
  const { data } = useQuery({ ...workflowQuery(workflow ?? "", undefined), enabled: workflow !== undefined });
  return (
    <>
      <Labelled label="Code">
        <select
          className={FIELD}
          value={draft.code}
          onChange={(event) => onDraft({ ...draft, code: event.target.value })}
        >
          <option value="latest">
            latest{data ? ` (v${Math.max(...data.versions.map(({ number }) => number))})` : ""}
          </option>
          <option value="same">{same}</option>
          {data?.versions.map(({ number, label }) => (
            <option key={number} value={String(number)}>
              v{number} {label}
            </option>
          ))}
        </select>
      </Labelled>
      <Checkbox
        className="text-ink-soft text-sm sm:col-span-2"
        checked={draft.freshKey}
        onChange={(freshKey) => onDraft({ ...draft, freshKey })}
      >
        New idempotency keys: effects such as payments may happen a second time
      </Checkbox>
    </>
  );
}
