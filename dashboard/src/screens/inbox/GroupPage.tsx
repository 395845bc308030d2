import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import type { GroupDetail } from "@/api/contract";
import { groupQuery, restQuery } from "@/api/queries";
import { splitClass } from "@/pure/classname";
import { compactJson } from "@/pure/compact";
import { shortId } from "@/pure/ids";
import { formatInstant } from "@/pure/time";
import { toSample } from "@/screens/inbox/Inbox";
import { NoteActions } from "@/screens/inbox/NoteActions";
import { Sparkline } from "@/screens/inbox/Sparkline";
import { noteInWords, replaysInWords, runsInWords, versionsInWords } from "@/screens/inbox/words";
import { useShortcuts } from "@/shell/shortcuts";
import { Button, buttonLook } from "@/ui/Button";
import { ErrorBlock } from "@/ui/ErrorBlock";
import { Ago } from "@/ui/Moment";
import { Loading, ProblemNotice } from "@/ui/Notice";
import { Status } from "@/ui/Status";
import { useTitle } from "@/ui/useTitle";

const ReplayRest = lazy(() => import("@/screens/bulk/ReplayRest").then((module) => ({ default: module.ReplayRest })));
const route = getRouteApi("/inbox/$group");

/** One kind of failure: what its runs have in common, and the way to a second chance for all of them. */
export function GroupPage() {
  const { group: fingerprint } = route.useParams();
  const group = useQuery(groupQuery(fingerprint));
  useTitle(group.data ? `${splitClass(group.data.error_type).name} in ${group.data.step}` : "Inbox");
  if (group.error && !group.data) {
    return <ProblemNotice error={group.error} onRetry={() => void group.refetch()} heading="h1" />;
  }
  if (!group.data) return <Loading what="the group" />;
  const { data } = group;
  return (
    <div className="flex h-full flex-col gap-5 overflow-y-auto p-4">
      <Heading group={data} />
      <Actions group={data} />
      <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <div className="flex min-w-0 flex-col gap-5">
          {data.error ? <ErrorBlock error={data.error} /> : null}
          <section aria-label="Newest runs">
            <h2 className="mb-1.5 text-sm">Newest runs</h2>
            <Samples group={data} />
          </section>
        </div>
        <div className="flex min-w-0 flex-col gap-5">
          <section aria-label="Grouped by">
            <h2 className="mb-1.5 text-sm">Grouped by</h2>
            <code className="wrap-anywhere block whitespace-pre-wrap rounded-md bg-sunken p-3 font-mono text-ink-soft text-xs">
              {data.normalised}
            </code>
          </section>
          <Differences group={data} />
        </div>
      </div>
    </div>
  );
}

function Heading({ group }: { group: GroupDetail }) {
  return (
    <header className="flex flex-col gap-2">
      <nav aria-label="Breadcrumb" className="flex items-center gap-1.5 text-ink-soft text-sm">
        <Link to="/inbox" search={{}} className="rounded-sm hover:text-ink hover:underline">
          Inbox
        </Link>
        <span aria-hidden="true">/</span>
        <span className="min-w-0 truncate" title={`${group.workflow} / ${group.step}`}>
          {group.workflow} / {group.step}
        </span>
      </nav>
      <h1 className="wrap-anywhere line-clamp-2 text-lg">
        <span className="font-mono text-bad">{splitClass(group.error_type).name}</span>
        <span className="font-normal">{group.error_message ? `: ${group.error_message}` : ""}</span>
      </h1>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1 text-ink-soft text-sm">
        <Sparkline activity={group.activity} />
        <span>
          <strong className="text-ink">{runsInWords(group.count)}</strong> · first <Ago at={group.first_at} /> · last{" "}
          <Ago at={group.last_at} />
        </span>
        <span>{versionsInWords(group.versions)}</span>
        <span>{replaysInWords(group)}</span>
        {group.recurred ? <span className="font-medium text-bad">came back after it was resolved</span> : null}
      </div>
      {group.note ? (
        <p className="text-ink-soft text-sm">
          {noteInWords(group, formatInstant)} · <Ago at={group.note.at} />
        </p>
      ) : null}
    </header>
  );
}

function Actions({ group }: { group: GroupDetail }) {
  const [replaying, setReplaying] = useState(false);
  const rest = useQuery(restQuery(group.fingerprint, group.workflow));
  const navigate = route.useNavigate();
  useShortcuts("Failure group", [
    ["r", "Replay one first", () => void navigate(toSample(group))],
    ["a", "Replay all…", () => setReplaying(true)],
  ]);
  const left = rest.data?.ids?.length;
  return (
    <div className="flex flex-wrap items-center gap-2">
      <Link {...toSample(group)} className={buttonLook("primary")}>
        Replay 1 first
      </Link>
      <Button disabled={left === 0} onClick={() => setReplaying(true)}>
        {left === undefined ? "Replay all…" : `Replay all ${left}…`}
      </Button>
      <Link to="/runs" search={{ q: `fingerprint:${group.fingerprint}` }} className={buttonLook("plain")}>
        Open all as a list
      </Link>
      <span className="hidden flex-1 sm:block" />
      <NoteActions group={group} />
      {replaying ? (
        <Suspense>
          <ReplayRest group={group} onClose={() => setReplaying(false)} />
        </Suspense>
      ) : null}
    </div>
  );
}

function Samples({ group }: { group: GroupDetail }) {
  return (
    <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
      {group.runs.map((run) => (
        <li key={run.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-3 py-2 text-sm">
          <Status status={run.status} />
          <Link
            to="/runs/$run/steps/$step"
            params={{ run: run.id, step: run.failed_step ?? group.step }}
            search={{}}
            title={run.id}
            className="font-mono text-accent text-xs hover:underline"
          >
            {shortId(run.id)}
          </Link>
          <span className="text-ink-faint text-xs">v{run.version}</span>
          <code className="min-w-0 flex-1 truncate font-mono text-ink-soft text-xs">{compactJson(run.input_head)}</code>
          <Ago at={run.created_at} className="text-ink-faint text-xs" />
        </li>
      ))}
    </ul>
  );
}

function Differences({ group }: { group: GroupDetail }) {
  if (group.differs_by.length === 0) return null;
  const isCommon = group.differs_by.every(({ values }) => values.length === 1);
  return (
    <section aria-label="Differs by">
      <h2 className="mb-1.5 text-sm">
        {isCommon ? "In common" : "Differs by"}{" "}
        <span className="font-normal text-ink-faint">in the newest {runsInWords(group.looked_at)}</span>
      </h2>
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-2 text-sm">
        {group.differs_by.map(({ what, values }) => (
          <div key={what} className="contents">
            <dt className="font-mono text-ink-soft text-xs">{what}</dt>
            <dd className="flex flex-wrap gap-1.5">
              {values.map(({ value, count }) => (
                <span key={value} className="wrap-anywhere min-w-0 rounded-sm border border-line px-1.5 py-0.5 text-xs">
                  {plainValue(value)}{" "}
                  <span className="font-mono text-ink-faint">{count === group.looked_at ? "all" : count}</span>
                </span>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** A member named `value` arrives as the text of its JSON; here it is always a string. */
function plainValue(text: string): string {
  return String(JSON.parse(text));
}
