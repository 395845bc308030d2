import { getRouteApi, useMatches } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import type { RunDetail } from "@/api/contract";
import { StepList } from "@/screens/run/StepList";
import { Loading } from "@/ui/Notice";

const RunGraph = lazy(() => import("@/graph/RunGraph").then((module) => ({ default: module.RunGraph })));
const route = getRouteApi("/runs/$run");

/** The step whose drawer is open. */
export function useOpenStep(): string | undefined {
  return useMatches({
    select: (matches) =>
      matches.map((match) => (match.params as { step?: string }).step).find((step) => step !== undefined),
  });
}

export function RunGraphView({ run, asList }: { run: RunDetail; asList: boolean }) {
  const navigate = route.useNavigate();
  const open = useOpenStep();
  if (asList) return <StepList run={run} open={open} />;
  return (
    <Suspense fallback={<Loading what="the graph" />}>
      <RunGraph
        nodes={run.graph.nodes}
        edges={run.graph.edges}
        steps={run.steps}
        selected={open}
        onSelect={(step) =>
          void navigate({
            to: "/runs/$run/steps/$step",
            params: { run: run.id, step },
            search: (old) => ({ view: old.view, list: old.list }),
          })
        }
      />
    </Suspense>
  );
}
