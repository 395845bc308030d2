import { useQuery } from "@tanstack/react-query";
import type { Group } from "@/api/contract";
import { restQuery } from "@/api/queries";
import { BulkDialog } from "@/screens/bulk/BulkDialog";
import type { BulkDraft } from "@/screens/bulk/draft";
import { Dialog } from "@/ui/Dialog";
import { Loading, ProblemNotice } from "@/ui/Notice";

/** The bulk replay of all in a group that have not recovered yet. */
export function ReplayRest({
  group,
  sample,
  start,
  onClose,
}: {
  group: Pick<Group, "fingerprint" | "workflow">;
  sample?: string;
  start?: Partial<BulkDraft>;
  onClose: () => void;
}) {
  const rest = useQuery(restQuery(group.fingerprint, group.workflow));
  if (!rest.data) {
    return (
      <Dialog title="Replay many runs" onClose={onClose}>
        {rest.error ? <ProblemNotice error={rest.error} /> : <Loading what="the runs" />}
      </Dialog>
    );
  }
  if (rest.data.ids?.length === 0) {
    return (
      <Dialog title="Nothing is left to replay" onClose={onClose}>
        <p>Every run that failed in this way has been replayed with success.</p>
      </Dialog>
    );
  }
  return <BulkDialog chosen={rest.data} sample={sample ?? rest.data.ids?.[0]} start={start} onClose={onClose} />;
}
