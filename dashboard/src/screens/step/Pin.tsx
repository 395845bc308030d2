import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Pin as PinIcon } from "lucide-react";
import { problemFrom } from "@/api/client";
import type { StepDetail } from "@/api/contract";
import { documentsQuery, keepDocument } from "@/api/documents";
import { escapeToken, literalAt, removeMember, sameJson, setLiteral } from "@/pure/json";
import { announce } from "@/ui/announce";
import { Button } from "@/ui/Button";

/** Gives every new run of the workflow this value, without a deployment, until it is taken away. */
export function Pin({
  step,
  variable: { name, default: standard },
  literal,
}: {
  step: StepDetail;
  variable: StepDetail["variables"][number];
  literal: string;
}) {
  const client = useQueryClient();
  const kept = useQuery(documentsQuery("pin"));
  const text = kept.data?.items.find((pin) => pin.key === step.workflow)?.value ?? "{}";
  const pointer = `/${escapeToken(step.name)}/${escapeToken(name)}`;
  const pinned = literalAt(text, pointer);
  const isDefault = sameJson(literal, standard);
  const isThis = pinned !== undefined && (isDefault || sameJson(pinned, literal));
  const turn = useMutation({
    mutationFn: () =>
      keepDocument("pin", step.workflow, isThis ? removeMember(text, pointer) : setLiteral(text, pointer, literal)),
    onSuccess: () => {
      announce(
        isThis
          ? `New runs take ${name} from the code again.`
          : `Every new run of ${step.workflow} has this ${name} now.`,
      );
      return client.invalidateQueries({ queryKey: ["documents", "pin"] });
    },
    onError: (error) => announce(problemFrom(error).message, "bad"),
  });
  if (isDefault && pinned === undefined) return null;
  const words = pinned === undefined ? "" : ` (now ${pinned})`;
  return (
    <Button
      kind="quiet"
      className={`h-6 ${isThis ? "!text-accent" : ""}`}
      aria-pressed={isThis}
      disabled={turn.isPending || kept.data === undefined}
      title={`${isThis ? "Every new run has this value. Press to take the code's again" : "Give every new run of the workflow this value"}${words}`}
      onClick={() => turn.mutate()}
    >
      <PinIcon className="size-3" aria-hidden="true" />
      {isThis ? "pinned" : "pin"}
      <span className="sr-only"> {name}</span>
    </Button>
  );
}
