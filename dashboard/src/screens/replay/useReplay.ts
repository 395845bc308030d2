/** The plan that follows the draft while it is edited, and the replay made from it. */

import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { problemFrom } from "@/api/client";
import { freshKey, planReplay, replay } from "@/api/commands";
import { writeRequest } from "@/pure/wire";
import { type Draft, requestOf, type Start, UNTOUCHED } from "@/screens/replay/draft";
import { announce } from "@/ui/announce";

const PAUSE_MS = 300;

/** Drafts outlive their panel: closing it by mistake loses nothing. They are gone with the tab, the oldest before. */
const MOST_DRAFTS = 50;
const drafts = new Map<string, { draft: Draft; starts: Record<string, Start> }>();

/**
 * What is changed belongs to the run (`place`), at whichever step: one replay makes all of it come true. Where it starts
 * belongs to the panel.
 */
export function useDraft(
  place: string,
  panel: string,
  start: Partial<Start>,
  first: Draft = UNTOUCHED,
): [Draft, (next: Draft) => void] {
  const [draft, setDraft] = useState<Draft>(() => {
    const kept = drafts.get(place);
    const { startSteps = [], fromBeginning = false } = kept?.starts[panel] ?? start;
    return { ...(kept?.draft ?? first), startSteps, fromBeginning };
  });
  const change = (next: Draft) => {
    const { startSteps, fromBeginning } = next;
    const starts = { ...drafts.get(place)?.starts, [panel]: { startSteps, fromBeginning } };
    drafts.delete(place);
    drafts.set(place, { draft: next, starts });
    for (const oldest of drafts.keys()) if (drafts.size > MOST_DRAFTS) drafts.delete(oldest);
    setDraft(next);
  };
  return [draft, change];
}

export function forgetDraft(place: string): void {
  drafts.delete(place);
}

function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

/** `blocked`: the draft cannot be sent at all, because a part of it is no JSON. */
export function useReplay(runId: string, place: string, draft: Draft, blocked: boolean) {
  const navigate = useNavigate();
  const client = useQueryClient();
  // A reason changes nothing about the plan.
  const wanted = useMemo(() => writeRequest(requestOf({ ...draft, reason: "" })), [draft]);
  const settled = useSettled(wanted);
  const request = useRef(draft);
  if (wanted === settled) request.current = draft;
  const plan = useQuery({
    queryKey: ["plan", runId, settled],
    queryFn: ({ signal }) => planReplay(runId, requestOf({ ...request.current, reason: "" }), signal),
    enabled: !blocked,
    placeholderData: keepPreviousData,
    staleTime: 0,
    gcTime: 0,
  });
  const isSettled = wanted === settled && !plan.isFetching && !plan.isPlaceholderData;
  const token = plan.data?.token ?? null;
  // One key per plan that was shown: pressing twice makes one run, replaying again on purpose makes another.
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new plan is the reason for a new key
  const key = useMemo(freshKey, [token, settled]);
  const mutationKey = ["replay", runId];
  const make = useMutation({
    mutationKey,
    mutationFn: () => replay(runId, { ...requestOf(draft), token }, key),
    onSuccess: async (made) => {
      forgetDraft(place);
      void client.invalidateQueries({ queryKey: ["runs"] });
      await navigate({ to: "/runs/$run", params: { run: made.id }, search: {} });
      announce(made.existing ? "This replay had been made already; here it is." : "A new run has been made.");
    },
    onError: (error) => {
      if (problemFrom(error).code === "plan_outdated") void plan.refetch();
    },
  });
  const canReplay = !blocked && isSettled && !plan.error && token !== null && !make.isPending;
  // The second half of a double click comes before the next render: only the client knows that a request is on its way.
  const submit = () => canReplay && client.isMutating({ mutationKey }) === 0 && make.mutate();
  return { plan, make, isSettled, canReplay, submit };
}

export type Replaying = ReturnType<typeof useReplay>;
