import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useState } from "react";
import { problemFrom } from "@/api/client";
import type { StepDetail } from "@/api/contract";
import { documentsQuery, dropDocument, keepDocument } from "@/api/documents";
import { escapeToken, literalAt } from "@/pure/json";
import type { Overrides } from "@/screens/replay/draft";
import { announce } from "@/ui/announce";
import { Button, IconButton } from "@/ui/Button";
import { NameField } from "@/ui/NameField";

interface Shown {
  step: StepDetail;
  changes: Overrides;
  onChange: (changes: Record<string, string>) => void;
}

/** Values for all variables of a step under one name, to try again tomorrow or in another run. */
export function Presets({ step, changes, onChange }: Shown) {
  const client = useQueryClient();
  const kept = useQuery(documentsQuery("preset"));
  const [isNaming, setNaming] = useState(false);
  const place = `${step.workflow}: ${step.name}: `;
  const mine = (kept.data?.items ?? []).filter((preset) => preset.key.startsWith(place));
  const settled = {
    onSuccess: () => {
      setNaming(false);
      return client.invalidateQueries({ queryKey: ["documents", "preset"] });
    },
    onError: (error: Error) => announce(problemFrom(error).message, "bad"),
  };
  const save = useMutation({
    mutationFn: (name: string) => keepDocument("preset", place + name, textOf(step, changes)),
    ...settled,
  });
  const drop = useMutation({ mutationFn: (key: string) => dropDocument("preset", key), ...settled });
  const take = (text: string) => {
    const values = step.variables.map(({ name }) => [name, literalAt(text, `/${escapeToken(name)}`)]);
    onChange(Object.fromEntries(values.filter(([, literal]) => literal !== undefined)));
  };
  const isChanged = Object.keys(changes).length > 0;
  if (mine.length === 0 && !isChanged) return null;
  return (
    <div role="group" aria-label="Presets" className="flex flex-wrap items-center gap-1.5">
      {mine.map((preset) => (
        <span key={preset.key} className="flex items-center rounded-full border border-line bg-surface pl-1">
          <Button kind="quiet" className="h-6" title={preset.value} onClick={() => take(preset.value)}>
            {preset.key.slice(place.length)}
          </Button>
          <IconButton
            label={`Forget the preset ${preset.key.slice(place.length)}`}
            className="!size-6 rounded-full"
            disabled={drop.isPending}
            onClick={() => drop.mutate(preset.key)}
          >
            <X className="size-3" aria-hidden="true" />
          </IconButton>
        </span>
      ))}
      {isChanged && isNaming ? (
        <NameField
          label="Name of the preset"
          busy={save.isPending}
          onName={save.mutate}
          onClose={() => setNaming(false)}
        />
      ) : null}
      {isChanged && !isNaming ? (
        <Button kind="quiet" className="h-6" onClick={() => setNaming(true)}>
          save these values as a preset
        </Button>
      ) : null}
    </div>
  );
}

/** Every variable as it stands now, changed or not, each literal as it was typed. */
function textOf(step: StepDetail, changes: Overrides): string {
  const members = step.variables.map((variable) => {
    const change = changes[variable.name];
    const literal = change === undefined ? (variable.override ?? variable.default) : (change ?? variable.default);
    return `${JSON.stringify(variable.name)}: ${literal}`;
  });
  return `{${members.join(", ")}}`;
}
