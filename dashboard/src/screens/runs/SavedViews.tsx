import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus, X } from "lucide-react";
import { useState } from "react";
import { problemFrom } from "@/api/client";
import type { KeptDocument } from "@/api/contract";
import { documentsQuery, dropDocument, keepDocument } from "@/api/documents";
import { announce } from "@/ui/announce";
import { Button, IconButton } from "@/ui/Button";
import { NameField } from "@/ui/NameField";

const VIEWS = [
  { label: "All", q: "" },
  { label: "Failed today", q: "status:failed since:24h" },
  { label: "Running", q: "status:running" },
  { label: "Replays", q: "replay:yes" },
];

/** Queries with a name: some that everybody has, and those that somebody here has saved. */
export function Views({ q }: { q: string }) {
  const client = useQueryClient();
  const kept = useQuery(documentsQuery("view"));
  const saved = (kept.data?.items ?? []).map((view) => ({ label: view.key, q: queryOf(view) }));
  const isNamed = [...VIEWS, ...saved].some((view) => view.q === q);
  const drop = useMutation({
    mutationFn: (name: string) => dropDocument("view", name),
    onError: (error) => announce(problemFrom(error).message, "bad"),
    onSettled: () => client.invalidateQueries({ queryKey: ["documents", "view"] }),
  });
  return (
    <nav aria-label="Views" className="flex min-w-0 items-center gap-1 overflow-x-auto">
      {VIEWS.map((view) => (
        <ViewLink key={view.label} {...view} isOpen={view.q === q} />
      ))}
      {saved.map((view) => (
        <span key={view.label} className="flex shrink-0 items-center">
          <ViewLink {...view} isOpen={view.q === q} />
          {view.q === q ? (
            <IconButton
              label={`Forget the view ${view.label}`}
              className="size-6"
              disabled={drop.isPending}
              onClick={() => drop.mutate(view.label)}
            >
              <X className="size-3" aria-hidden="true" />
            </IconButton>
          ) : null}
        </span>
      ))}
      {isNamed ? null : <SaveView q={q} />}
    </nav>
  );
}

/** A view's value is a JSON string; what somebody wrote past the dashboard shows all runs. */
function queryOf(view: KeptDocument): string {
  const value: unknown = JSON.parse(view.value);
  return typeof value === "string" ? value : "";
}

function ViewLink({ label, q, isOpen }: { label: string; q: string; isOpen: boolean }) {
  return (
    <Link
      to="/runs"
      search={(old) => ({ cols: old.cols, q: q || undefined })}
      activeProps={{}}
      aria-current={isOpen ? "true" : undefined}
      title={q}
      className={`max-w-48 shrink-0 truncate whitespace-nowrap rounded-md px-2 py-1 text-sm ${
        isOpen ? "bg-accent-soft font-semibold text-accent" : "text-ink-soft hover:bg-sunken hover:text-ink"
      }`}
    >
      {label}
    </Link>
  );
}

function SaveView({ q }: { q: string }) {
  const client = useQueryClient();
  const [isOpen, setOpen] = useState(false);
  const save = useMutation({
    mutationFn: (name: string) => keepDocument("view", name, JSON.stringify(q)),
    onSuccess: () => client.invalidateQueries({ queryKey: ["documents", "view"] }),
    onError: (error) => announce(problemFrom(error).message, "bad"),
  });
  return isOpen ? (
    <NameField label="Name of the view" busy={save.isPending} onName={save.mutate} onClose={() => setOpen(false)} />
  ) : (
    <Button kind="quiet" className="h-7 shrink-0" onClick={() => setOpen(true)}>
      <Plus className="size-3.5" aria-hidden="true" />
      save this view
    </Button>
  );
}
