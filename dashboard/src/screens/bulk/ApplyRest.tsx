import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import type { RunSummary } from "@/api/contract";
import { restQuery, runQuery } from "@/api/queries";
import { draftOf } from "@/screens/bulk/draft";
import { useShortcuts } from "@/shell/shortcuts";
import { Button } from "@/ui/Button";

const ReplayRest = lazy(() => import("@/screens/bulk/ReplayRest").then((module) => ({ default: module.ReplayRest })));

/** After a second chance that worked: the same for all others that had failed in the same way. */
export function ApplyRest({ source, replay }: { source: RunSummary; replay: RunSummary }) {
  const worked = replay.status === "succeeded" && source.status === "failed" && replay.source_id === source.id;
  return worked && source.fingerprint ? (
    <Offer fingerprint={source.fingerprint} workflow={source.workflow} replay={replay.id} />
  ) : null;
}

function Offer({ fingerprint, workflow, replay }: { fingerprint: string; workflow: string; replay: string }) {
  const [open, setOpen] = useState(false);
  const rest = useQuery(restQuery(fingerprint, workflow));
  const made = useQuery(runQuery(replay)).data?.replay;
  const left = rest.data?.ids?.length;
  const isOffered = made && rest.data && left !== 0;
  useShortcuts("Second chance", isOffered ? [["a", "Apply the same to the others…", () => setOpen(true)]] : []);
  if (!isOffered) return null;
  return (
    <>
      <Button kind="primary" onClick={() => setOpen(true)}>
        {left === undefined ? "Apply the same to the others…" : `Apply the same to the other ${left}…`}
      </Button>
      {open ? (
        <Suspense>
          <ReplayRest group={{ fingerprint, workflow }} start={draftOf(made)} onClose={() => setOpen(false)} />
        </Suspense>
      ) : null}
    </>
  );
}
