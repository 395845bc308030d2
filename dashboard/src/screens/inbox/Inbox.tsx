import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useRef, useState } from "react";
import type { Group } from "@/api/contract";
import { type GroupStatus, inboxQuery } from "@/api/queries";
import { splitClass } from "@/pure/classname";
import { formatInstant } from "@/pure/time";
import { NoteActions } from "@/screens/inbox/NoteActions";
import { Sparkline } from "@/screens/inbox/Sparkline";
import { noteInWords, replaysInWords, runsInWords, versionsInWords } from "@/screens/inbox/words";
import { useShortcuts } from "@/shell/shortcuts";
import { Button, buttonLook } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Ago } from "@/ui/Moment";
import { Empty, Loading, ProblemNotice } from "@/ui/Notice";
import { TabLinks } from "@/ui/TabLinks";
import { useTitle } from "@/ui/useTitle";

const ReplayRest = lazy(() => import("@/screens/bulk/ReplayRest").then((module) => ({ default: module.ReplayRest })));
const route = getRouteApi("/inbox");

/** What is broken now, the worst first. */
export function Inbox() {
  useTitle("Inbox");
  const { status = "open" } = route.useSearch();
  const inbox = useQuery(inboxQuery(status));
  const [replaying, setReplaying] = useState<Group | null>(null);
  const [noting, setNoting] = useState<Group | null>(null);
  const counts = inbox.data?.counts;
  return (
    <div className="flex h-full flex-col">
      <h1 className="px-4 pt-3 pb-1 text-lg">Inbox</h1>
      <TabLinks
        label="Failure groups by status"
        tabs={(["open", "snoozed", "resolved"] as const).map((id) => ({
          id,
          word: id,
          ...(counts ? { count: counts[id] } : {}),
        }))}
        current={status}
        searchFor={(id) => ({ status: id === "open" ? undefined : id })}
      />
      <div className="min-h-0 flex-1 overflow-y-auto p-4">
        {inbox.error && !inbox.data ? <ProblemNotice error={inbox.error} onRetry={() => void inbox.refetch()} /> : null}
        {inbox.isPending ? <Loading what="the inbox" /> : null}
        {inbox.data && inbox.data.items.length === 0 ? <Nothing status={status} /> : null}
        {inbox.data && inbox.data.items.length > 0 ? (
          <Groups groups={inbox.data.items} onReplayAll={setReplaying} onNote={setNoting} />
        ) : null}
      </div>
      {replaying ? (
        <Suspense>
          <ReplayRest group={replaying} onClose={() => setReplaying(null)} />
        </Suspense>
      ) : null}
      {noting ? (
        <Dialog title={`Note on ${splitClass(noting.error_type).name}`} onClose={() => setNoting(null)}>
          <div className="flex flex-wrap gap-2">
            <NoteActions group={noting} onDone={() => setNoting(null)} />
          </div>
        </Dialog>
      ) : null}
    </div>
  );
}

interface Acts {
  onReplayAll: (group: Group) => void;
  onNote: (group: Group) => void;
}

function Groups({ groups, onReplayAll, onNote }: Acts & { groups: Group[] }) {
  const list = useRef<HTMLUListElement>(null);
  const navigate = useNavigate();
  const links = () => [...(list.current?.querySelectorAll<HTMLElement>("[data-group]") ?? [])];
  const focused = () => {
    const row = document.activeElement?.closest("li");
    return links().findIndex((link) => row?.contains(link));
  };
  const move = (by: number) => {
    const all = links();
    all[Math.max(0, Math.min(all.length - 1, focused() + by))]?.focus();
  };
  const withGroup = (act: (group: Group) => void) => () => {
    const group = groups[focused()];
    if (group) act(group);
  };
  useShortcuts("Inbox", [
    ["j", "Next group", () => move(1)],
    ["k", "Previous group", () => move(-1)],
    ["r", "Replay one of the group first", withGroup((group) => void navigate(toSample(group)))],
    ["a", "Replay all of the group…", withGroup(onReplayAll)],
    ["n", "Note on the group: resolve, snooze…", withGroup(onNote)],
  ]);
  return (
    <ul
      ref={list}
      aria-label="Failure groups"
      className="divide-y divide-line rounded-lg border border-line bg-surface"
    >
      {groups.map((group) => (
        <GroupRow
          key={group.fingerprint}
          group={group}
          onReplayAll={() => onReplayAll(group)}
          onNote={() => onNote(group)}
        />
      ))}
    </ul>
  );
}

/** Where one run of the group is edited and replayed. */
export function toSample(group: Pick<Group, "samples" | "step">) {
  return {
    to: "/runs/$run/steps/$step",
    params: { run: group.samples[0] ?? "", step: group.step },
    search: {},
  } as const;
}

function GroupRow({ group, onReplayAll, onNote }: { group: Group; onReplayAll: () => void; onNote: () => void }) {
  return (
    <li className="grid grid-cols-1 items-center gap-x-4 gap-y-2 px-3 py-2.5 focus-within:bg-sunken hover:bg-sunken lg:grid-cols-[minmax(0,1fr)_5rem_7rem_auto]">
      <div className="min-w-0">
        <p className="flex min-w-0 items-baseline gap-2">
          <Link
            to="/inbox/$group"
            params={{ group: group.fingerprint }}
            data-group={group.fingerprint}
            className="min-w-0 truncate rounded-sm hover:underline"
            title={`${group.error_type}: ${group.error_message}`}
          >
            <span className="font-mono font-semibold text-bad text-sm">{splitClass(group.error_type).name}</span>
            {group.error_message ? <span>: {group.error_message}</span> : null}
          </Link>
          {group.recurred ? (
            <span className="shrink-0 rounded-sm bg-bad-soft px-1 text-2xs text-bad">came back</span>
          ) : null}
        </p>
        <p className="mt-0.5 text-ink-soft text-sm">
          {group.workflow} / {group.step} · last <Ago at={group.last_at} /> · {versionsInWords(group.versions)} ·{" "}
          {replaysInWords(group)}
        </p>
        <p className="text-ink-faint text-xs empty:hidden">{noteInWords(group, formatInstant)}</p>
      </div>
      <span className="font-mono text-sm lg:text-right">{runsInWords(group.count)}</span>
      <Sparkline activity={group.activity} className="hidden lg:flex" />
      <div className="flex flex-wrap gap-2">
        <Link {...toSample(group)} className={buttonLook("plain")}>
          Replay 1 first
        </Link>
        <Button onClick={onReplayAll}>Replay all…</Button>
        <Button kind="quiet" onClick={onNote}>
          Resolve, snooze, note…
        </Button>
      </div>
    </li>
  );
}

function Nothing({ status }: { status: GroupStatus }) {
  if (status !== "open") {
    return (
      <Empty title={`No group is ${status}`}>
        <p>
          Failures of one kind are one group. {status === "snoozed" ? "Snooze" : "Resolve"} it with a note; it opens
          again by itself when it has to.
        </p>
      </Empty>
    );
  }
  return (
    <Empty title="Nothing is broken">
      <p>When runs fail, those that failed in the same way are gathered here, to be mended once for all of them.</p>
      <Link to="/runs" search={{}} className={buttonLook("plain")}>
        To the runs
      </Link>
    </Empty>
  );
}
