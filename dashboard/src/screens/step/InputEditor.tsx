import { useId, useMemo, useState } from "react";
import { JsonEditor } from "@/editor/lazy";
import { escapeToken, literalAt, pointerWords, sameJson } from "@/pure/json";
import { formFields, type Schema } from "@/pure/schema";
import type { Problem } from "@/pure/validate";
import { SchemaForm } from "@/screens/step/SchemaForm";
import { Button } from "@/ui/Button";

interface Shown {
  title: string;
  about: string;
  label: string;
  schema: Schema;
  origins: readonly { name: string; origin: string }[];
  /** The text as the step got it; `undefined` while it is unknown. */
  original: string | undefined;
  /** Why it is unknown. */
  unknown: string | null;
  text: string | undefined;
  problems: Problem[];
  /** `null` takes every edit back. */
  onChange: (text: string | null) => void;
}

/** A document to edit, as text or as a form: two views of one text. */
export function InputEditor(shown: Shown) {
  const { title, about, label, schema, origins, original, text, problems, onChange } = shown;
  const fields = useMemo(() => formFields(schema), [schema]);
  const [view, setView] = useState<"json" | "form">("json");
  const headingId = useId();
  const change = (next: string) => onChange(next === original ? null : next);
  if (text === undefined) {
    return (
      <section aria-label={title}>
        <h3 className="text-sm">{title}</h3>
        <p className="mt-1 text-ink-soft">{shown.unknown ?? "It is not known yet."}</p>
      </section>
    );
  }
  const isEdited = original !== undefined && text !== original;
  return (
    <section aria-labelledby={headingId} data-edit="input" className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <h3 id={headingId} className="wrap-anywhere min-w-0 text-sm">
          {title} <span className="font-normal text-ink-faint text-xs">{about}</span>
        </h3>
        <div className="ml-auto flex items-center gap-1">
          {isEdited ? (
            <Button kind="quiet" onClick={() => onChange(null)}>
              Undo edits
            </Button>
          ) : null}
          {fields.length > 0 ? <ViewSwitch view={view} onView={setView} /> : null}
        </div>
      </div>
      {origins.length > 0 ? <Origins origins={origins} original={original} text={text} /> : null}
      {view === "form" && fields.length > 0 ? (
        <SchemaForm fields={fields} text={text} problems={problems} onChange={change} />
      ) : (
        <JsonEditor label={label} text={text} problems={problems} onChange={change} />
      )}
      <Verdict problems={problems} text={text} />
    </section>
  );
}

function ViewSwitch({ view, onView }: { view: "json" | "form"; onView: (view: "json" | "form") => void }) {
  return (
    <div role="group" aria-label="Edit as" className="flex rounded-md border border-line bg-sunken p-0.5 text-xs">
      {(["form", "json"] as const).map((each) => (
        <button
          key={each}
          type="button"
          aria-pressed={view === each}
          onClick={() => onView(each)}
          className="rounded-sm px-2 py-0.5 text-ink-soft aria-pressed:bg-surface aria-pressed:font-semibold aria-pressed:text-ink"
        >
          {each === "json" ? "JSON" : "Form"}
        </button>
      ))}
    </div>
  );
}

/** Where each argument came from, and whether it still is what came from there. */
function Origins({ origins, original, text }: Pick<Shown, "origins" | "original"> & { text: string }) {
  return (
    <ul className="wrap-anywhere flex flex-wrap gap-x-5 gap-y-1 text-sm">
      {origins.map(({ name, origin }) => {
        const pointer = `/${escapeToken(name)}`;
        const isEdited = !sameJson(literalAt(original ?? "", pointer) ?? "", literalAt(text, pointer) ?? "");
        return (
          <li key={name} className="flex items-baseline gap-1.5">
            <code className="font-mono text-xs">{name}</code>
            <span className="text-ink-faint text-xs">from {originWords(origin)}</span>
            {isEdited ? <span className="text-accent text-xs">● edited</span> : null}
          </li>
        );
      })}
    </ul>
  );
}

export function originWords(origin: string): string {
  if (origin === "input") return "the run input";
  if (origin === "failure") return "the failure";
  if (origin.startsWith("input:")) return `the run input's ${origin.slice("input:".length)}`;
  return origin.startsWith("step:") ? `step ${origin.slice("step:".length)}` : origin;
}

function Verdict({ problems, text }: { problems: Problem[]; text: string }) {
  if (problems.length === 0) return null;
  return (
    <ul aria-live="polite" className="flex flex-col gap-0.5 text-bad text-sm">
      {problems.map((problem) => (
        <li key={`${problem.pointer} ${problem.message}`}>
          ✕ line {text.slice(0, problem.from).split("\n").length}:{" "}
          {problem.pointer ? <code className="font-mono text-xs">{pointerWords(problem.pointer)}</code> : null}{" "}
          {problem.message}
        </li>
      ))}
    </ul>
  );
}
