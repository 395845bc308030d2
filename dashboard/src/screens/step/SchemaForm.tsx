import { literalAt, setLiteral } from "@/pure/json";
import type { Field } from "@/pure/schema";
import type { Problem } from "@/pure/validate";
import { ValueField } from "@/screens/step/ValueField";

/** A form over a JSON text. Each field writes its own literal; everything else in the text stays as it is. */
export function SchemaForm({
  fields,
  text,
  problems,
  onChange,
}: {
  fields: Field[];
  text: string;
  problems: Problem[];
  onChange: (text: string) => void;
}) {
  return (
    <div className="flex flex-col gap-3 rounded-md border border-line bg-surface p-3">
      {fields.map((field) =>
        field.kind === "group" ? (
          <fieldset key={field.pointer} className="flex min-w-0 flex-col gap-2">
            <legend className="mb-1 font-mono text-ink-soft text-xs">{field.label}</legend>
            <SchemaForm fields={field.fields} text={text} problems={problems} onChange={onChange} />
          </fieldset>
        ) : (
          <ValueField
            key={field.pointer}
            label={field.label}
            kind={field.kind}
            help={field.help}
            choices={field.choices}
            required={field.required}
            nullable={field.nullable}
            literal={literalAt(text, field.pointer)}
            problem={problems.find((problem) => problem.pointer === field.pointer)?.message}
            onChange={(literal) => onChange(setLiteral(text, field.pointer, literal))}
          />
        ),
      )}
    </div>
  );
}
