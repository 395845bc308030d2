import type { StepDetail } from "@/api/contract";
import { sameJson } from "@/pure/json";
import { canPromote, promotion } from "@/pure/promote";
import { choicesOf, kindOf, readSchema } from "@/pure/schema";
import { makeChecker } from "@/pure/validate";
import type { Overrides } from "@/screens/replay/draft";
import { Pin } from "@/screens/step/Pin";
import { Presets } from "@/screens/step/Presets";
import { ValueField } from "@/screens/step/ValueField";
import { Button } from "@/ui/Button";
import { copyAndSay } from "@/ui/Copy";

type Variable = StepDetail["variables"][number];

interface Shown {
  step: StepDetail;
  changes: Overrides;
  /** By variable: `null` for the code's own default, `undefined` to leave it as it was. */
  onChange: (changes: Record<string, string | null | undefined>) => void;
}

/** The values that step code exposes with `ctx.playground`, as a form. */
export function Playground({ step, changes, onChange }: Shown) {
  if (step.variables.length === 0) return <NoVariables />;
  return (
    <section aria-label="Playground" data-edit="playground" className="flex flex-col gap-2">
      <div className="flex items-center gap-3">
        <h3 className="text-sm">Playground</h3>
        {Object.keys(changes).length > 0 ? (
          <Button
            kind="quiet"
            className="ml-auto"
            onClick={() => onChange(Object.fromEntries(Object.keys(changes).map((name) => [name, undefined])))}
          >
            Undo all
          </Button>
        ) : null}
      </div>
      <Presets step={step} changes={changes} onChange={onChange} />
      <div className="flex flex-col gap-3 rounded-md border border-line bg-surface p-3">
        {step.variables.map((variable) => (
          <VariableField
            key={variable.name}
            step={step}
            variable={variable}
            change={changes[variable.name]}
            onChange={(literal) => onChange({ [variable.name]: literal })}
          />
        ))}
      </div>
    </section>
  );
}

/** What the step would read without any change now. */
function inForce(variable: Variable): string {
  return variable.override ?? variable.default;
}

function VariableField({
  step,
  variable,
  change,
  onChange,
}: {
  step: StepDetail;
  variable: Variable;
  change: string | null | undefined;
  onChange: (literal: string | null | undefined) => void;
}) {
  const schema = readSchema(variable.schema);
  const before = inForce(variable);
  const literal = change === undefined ? before : (change ?? variable.default);
  const isChanged = change !== undefined;
  const found = { ...variable, before: variable.default, after: literal };
  const isNews = !sameJson(literal, variable.default);
  const problem = isChanged ? makeChecker(schema)(literal)[0]?.message : undefined;
  return (
    <ValueField
      label={variable.name}
      kind={kindOf({ ...schema, default: JSON.parse(variable.default) })}
      choices={choicesOf(schema)}
      help={typeof schema.description === "string" ? schema.description : ""}
      literal={literal}
      problem={problem}
      onChange={(next) => onChange(sameJson(next, before) ? undefined : next)}
      aside={
        <span className="flex flex-wrap items-center justify-end gap-x-2 text-xs">
          {isChanged ? <span className="max-w-52 truncate text-accent">● was {before}</span> : null}
          {variable.override !== undefined && !isChanged ? (
            <Button kind="quiet" className="h-6" onClick={() => onChange(null)}>
              use the code's {variable.default}
            </Button>
          ) : null}
          {isChanged ? (
            <Button kind="quiet" className="h-6" onClick={() => onChange(undefined)}>
              undo
            </Button>
          ) : null}
          {problem === undefined ? <Pin step={step} variable={variable} literal={literal} /> : null}
          {isNews && problem === undefined && canPromote(found) ? (
            <Button
              kind="quiet"
              className="h-6"
              title="Copy a command that makes this value the default in the code"
              onClick={() => void copyAndSay(promotion(found), `a patch of ${variable.file}:${variable.line}`)}
            >
              copy for the code
            </Button>
          ) : null}
          <span
            className="font-mono text-ink-faint"
            title={variable.read ? "read by this attempt" : "not read by this attempt, but by another"}
          >
            {variable.read ? "" : "not read here · "}
            {fileName(variable.file)}:{variable.line}
          </span>
        </span>
      }
    />
  );
}

function fileName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}

function NoVariables() {
  return (
    <section aria-label="Playground">
      <h3 className="text-sm">Playground</h3>
      <p className="mt-1 text-ink-soft text-sm">
        This step exposes no variable. With{" "}
        <code className="rounded-sm bg-sunken px-1 font-mono text-xs">
          prompt = ctx.playground("prompt", "Summarise…")
        </code>{" "}
        in its code, the value can be changed here without a deployment.
      </p>
    </section>
  );
}

/** The first value that its own schema refuses, in words. */
export function playgroundProblem(step: StepDetail, changes: Overrides): string | null {
  for (const variable of step.variables) {
    const literal = changes[variable.name];
    if (literal === undefined || literal === null) continue;
    const [problem] = makeChecker(readSchema(variable.schema))(literal);
    if (problem) return `The variable ${variable.name} ${problem.message}.`;
  }
  return null;
}
