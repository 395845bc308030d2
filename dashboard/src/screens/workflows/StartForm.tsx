import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { freshKey, startRun } from "@/api/commands";
import type { WorkflowDetail } from "@/api/contract";
import { useProblems } from "@/editor/lazy";
import { sameJson } from "@/pure/json";
import { choicesOf, kindOf, readSchema, skeletonText } from "@/pure/schema";
import { Raw } from "@/pure/wire";
import { InputEditor } from "@/screens/step/InputEditor";
import { ValueField } from "@/screens/step/ValueField";
import { Button, Key } from "@/ui/Button";
import { CommandForm } from "@/ui/CommandForm";
import { ProblemNotice } from "@/ui/Notice";

type Values = Record<string, Record<string, string>>;

/** Start a run by hand, with any input and any variable. */
export function StartForm({ workflow }: { workflow: WorkflowDetail }) {
  const schema = useMemo(() => readSchema(workflow.input_schema), [workflow.input_schema]);
  const empty = useMemo(() => skeletonText(schema), [schema]);
  const [text, setText] = useState(empty);
  const [values, setValues] = useState<Values>({});
  const [key, setKey] = useState(freshKey);
  const navigate = useNavigate();
  const client = useQueryClient();
  const problems = useProblems(schema, text);
  const latest = Math.max(...workflow.versions.map((version) => version.number));
  const start = useMutation({
    mutationFn: () =>
      startRun(
        {
          workflow: workflow.name,
          input: new Raw(text),
          ...(workflow.number === latest ? {} : { version: String(workflow.number) }),
          playground: rawValues(values),
        },
        key,
      ),
    onSuccess: (run) => {
      void client.invalidateQueries({ queryKey: ["runs"] });
      return navigate({ to: "/runs/$run", params: { run: run.id }, search: {} });
    },
    // The input will be another one, and so it is another run.
    onError: () => setKey(freshKey()),
  });
  const isBroken = problems.some((problem) => problem.rule === "syntax");
  const submit = () => {
    if (!isBroken && !start.isPending) start.mutate();
  };
  return (
    <section aria-label="Start a run" className="border-line border-t xl:border-t-0 xl:border-l">
      <CommandForm className="flex flex-col gap-4 p-4" onCommand={submit}>
        <h2 className="text-base">Start a run</h2>
        <InputEditor
          title="Input"
          about={`of ${workflow.name}`}
          label={`Input of ${workflow.name} as JSON`}
          schema={schema}
          origins={[]}
          original={empty}
          unknown={null}
          text={text}
          problems={problems}
          onChange={(next) => setText(next ?? empty)}
        />
        <Variables workflow={workflow} values={values} onValues={setValues} />
        {start.error ? <ProblemNotice error={start.error} /> : null}
        <div className="flex items-center gap-2">
          <Button type="submit" kind="primary" disabled={isBroken || start.isPending}>
            {start.isPending ? "Starting…" : "Start"}
          </Button>
          <span className="hidden items-center gap-1 sm:flex">
            <Key>Ctrl</Key>
            <Key>⏎</Key>
          </span>
        </div>
      </CommandForm>
    </section>
  );
}

function Variables({
  workflow,
  values,
  onValues,
}: {
  workflow: WorkflowDetail;
  values: Values;
  onValues: (values: Values) => void;
}) {
  if (workflow.variables.length === 0) return null;
  const change = (step: string, name: string, literal: string, initial: string) => {
    const { [name]: _, ...others } = values[step] ?? {};
    onValues({ ...values, [step]: sameJson(literal, initial) ? others : { ...others, [name]: literal } });
  };
  return (
    <details>
      <summary className="cursor-pointer font-semibold text-sm">
        Playground variables ({workflow.variables.length})
      </summary>
      <div className="mt-2 flex flex-col gap-3 rounded-md border border-line bg-surface p-3">
        {workflow.variables.map((variable) => {
          const schema = readSchema(variable.schema);
          return (
            <ValueField
              key={`${variable.step} ${variable.name}`}
              label={`${variable.step} · ${variable.name}`}
              kind={kindOf({ ...schema, default: JSON.parse(variable.default) })}
              choices={choicesOf(schema)}
              help={typeof schema.description === "string" ? schema.description : ""}
              literal={values[variable.step]?.[variable.name] ?? variable.default}
              onChange={(literal) => change(variable.step, variable.name, literal, variable.default)}
            />
          );
        })}
      </div>
    </details>
  );
}

function rawValues(values: Values): Record<string, Record<string, Raw>> {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([, mine]) => Object.keys(mine).length > 0)
      .map(([step, mine]) => [
        step,
        Object.fromEntries(Object.entries(mine).map(([name, text]) => [name, new Raw(text)])),
      ]),
  );
}
