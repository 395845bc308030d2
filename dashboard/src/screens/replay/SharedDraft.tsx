import { useQuery } from "@tanstack/react-query";
import { draftQuery } from "@/api/documents";
import { type Draft, readDraft } from "@/screens/replay/draft";
import { Ago } from "@/ui/Moment";
import { Empty, Loading, ProblemNotice } from "@/ui/Notice";

export interface Shared {
  id: string;
  draft: Draft;
  by: string;
  at: string;
}

/** What a link with `?draft=` carries: somebody's edits, to look at, to change, to replay. */
export function SharedDraft({
  id,
  children,
}: {
  id: string | undefined;
  children: (shared: Shared | undefined) => React.ReactNode;
}) {
  const kept = useQuery({ ...draftQuery(id ?? ""), enabled: id !== undefined });
  if (id === undefined) return children(undefined);
  if (kept.error) return <ProblemNotice error={kept.error} />;
  if (!kept.data) return <Loading what="the draft" />;
  const draft = readDraft(kept.data.value);
  if (draft === null) {
    return (
      <Empty title="This draft is not understood">
        <p>It was written by another version of the dashboard. Ask for it again, as Python, CLI or curl.</p>
      </Empty>
    );
  }
  return children({ id, draft, by: kept.data.by, at: kept.data.at });
}

export function DraftNote({ shared }: { shared: Shared | undefined }) {
  if (!shared) return null;
  return (
    <p className="rounded-md border border-accent-line bg-accent-soft px-3 py-2 text-sm">
      A draft by {shared.by}, <Ago at={shared.at} />. Nothing has been replayed yet; what you change stays with you.
    </p>
  );
}
