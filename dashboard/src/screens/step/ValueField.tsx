import { useEffect, useId, useRef, useState } from "react";
import { type FieldKind, literalOf, typedOf } from "@/pure/schema";
import { Checkbox } from "@/ui/Checkbox";

const BOX =
  "w-full rounded-md border border-line bg-surface px-2 text-sm hover:border-line-strong aria-[invalid=true]:border-bad";

export interface ValueFieldProps {
  label: string;
  kind: FieldKind;
  /** `undefined` when nothing stands there. */
  literal: string | undefined;
  onChange: (literal: string) => void;
  help?: string;
  choices?: readonly string[];
  required?: boolean;
  nullable?: boolean;
  problem?: string | undefined;
  /** Shown beside the label: "was 0.2", "app.py:52". */
  aside?: React.ReactNode;
}

/** One typed value. Numbers keep the spelling they were typed with; what is no value yet is kept and explained. */
export function ValueField(props: ValueFieldProps) {
  const { label, kind, literal, help, required, nullable, aside } = props;
  const id = useId();
  const [typed, setTyped] = useState(() => typedOf(kind, literal ?? ""));
  const [own, setOwn] = useState<string>();
  useEffect(() => {
    setTyped((old) => {
      const current = literalOf(kind, old);
      return "literal" in current && current.literal === literal ? old : typedOf(kind, literal ?? "");
    });
    setOwn(undefined);
  }, [kind, literal]);
  const write = (next: string) => {
    setTyped(next);
    const written = literalOf(kind, next);
    if ("literal" in written) {
      setOwn(undefined);
      props.onChange(written.literal);
    } else setOwn(written.problem);
  };
  const control = useRef<HTMLInputElement & HTMLTextAreaElement & HTMLSelectElement>(null);
  useEffect(() => control.current?.setCustomValidity(own ? `${label} ${own}` : ""), [own, label]);
  const problem = own ?? props.problem;
  const isNull = nullable === true && literal === "null";
  const shared = {
    id,
    ref: control,
    disabled: isNull,
    "aria-invalid": problem ? true : undefined,
    "aria-describedby": problem || help ? `${id}-about` : undefined,
  };
  return (
    <div className="flex flex-col gap-1">
      <div className="flex flex-wrap items-baseline gap-x-2">
        <label htmlFor={id} className="wrap-anywhere min-w-0 font-mono text-xs">
          {label}
        </label>
        {required === false ? <span className="text-ink-faint text-xs">optional</span> : null}
        {nullable ? (
          <Checkbox
            className="text-ink-faint text-xs"
            checked={isNull}
            onChange={(isOn) => props.onChange(isOn ? "null" : emptyLiteral(kind))}
          >
            null
          </Checkbox>
        ) : null}
        <span className="ml-auto">{aside}</span>
      </div>
      <Control {...props} shared={shared} typed={isNull ? "" : typed} onTyped={write} />
      {problem || help ? (
        <p id={`${id}-about`} className={`text-xs ${problem ? "text-bad" : "text-ink-faint"}`}>
          {problem ?? help}
        </p>
      ) : null}
    </div>
  );
}

interface ControlProps extends ValueFieldProps {
  shared: { id: string; disabled: boolean; ref: React.Ref<HTMLInputElement & HTMLTextAreaElement & HTMLSelectElement> };
  typed: string;
  onTyped: (typed: string) => void;
}

function Control({ kind, choices = [], literal, shared, typed, onTyped, onChange }: ControlProps) {
  switch (kind) {
    case "choice":
      return (
        <select
          {...shared}
          className={`${BOX} h-8`}
          value={literal ?? ""}
          onChange={(event) => onChange(event.target.value)}
        >
          {literal !== undefined && choices.includes(literal) ? null : (
            <option value={literal ?? ""}>{literal ?? "not set"}</option>
          )}
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {typedOf("text", choice)}
            </option>
          ))}
        </select>
      );
    case "boolean":
      return (
        <span className="flex h-8 items-center gap-2">
          <input
            {...shared}
            type="checkbox"
            className="size-4 accent-accent"
            checked={literal === "true"}
            onChange={(event) => onChange(String(event.target.checked))}
          />
          <span className="font-mono text-ink-soft text-xs">{literal ?? "not set"}</span>
        </span>
      );
    case "multiline":
    case "json":
      return (
        <textarea
          {...shared}
          rows={Math.min(10, Math.max(2, typed.split("\n").length + (typed.length > 80 ? 2 : 0)))}
          spellCheck={kind === "multiline"}
          className={`${BOX} py-1.5 ${kind === "json" ? "font-mono text-xs" : ""}`}
          value={typed}
          onChange={(event) => onTyped(event.target.value)}
        />
      );
    default:
      return (
        <input
          {...shared}
          type="text"
          inputMode={kind === "text" ? "text" : "decimal"}
          className={`${BOX} h-8 ${kind === "text" ? "" : "max-w-60 font-mono"}`}
          value={typed}
          onChange={(event) => onTyped(event.target.value)}
        />
      );
  }
}

function emptyLiteral(kind: FieldKind): string {
  if (kind === "boolean") return "false";
  return kind === "text" || kind === "multiline" || kind === "choice" ? '""' : "0";
}
