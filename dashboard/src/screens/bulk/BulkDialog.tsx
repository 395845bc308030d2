import { keepPreviousData, type UseQueryResult, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { createBulk, freshKey, planReplay, previewBulk } from "@/api/commands";
import type { BulkPreview, ReplayPlan } from "@/api/contract";
import { runQuery, stepQuery } from "@/api/queries";
import type { Language } from "@/pure/copyas";
import { copyBulkAs } from "@/pure/copybulk";
import { shortId } from "@/pure/ids";
import { writeRequest } from "@/pure/wire";
import { BulkEdits } from "@/screens/bulk/BulkEdits";
import { type BulkDraft, bulkBodyOf, CAREFUL, canaryStages, problemOf, stagesInWords } from "@/screens/bulk/draft";
import { runsInWords } from "@/screens/inbox/words";
import { CodeChoice } from "@/screens/replay/CodeChoice";
import { playgroundProblem } from "@/screens/step/Playground";
import { announce } from "@/ui/announce";
import { Button, Key } from "@/ui/Button";
import { Checkbox } from "@/ui/Checkbox";
import { CommandForm } from "@/ui/CommandForm";
import { copyAndSay } from "@/ui/Copy";
import { Dialog } from "@/ui/Dialog";
import { FIELD, Labelled } from "@/ui/Labelled";
import { Menu } from "@/ui/Menu";
import { BrokenRules, Loading, ProblemNotice, Sentence } from "@/ui/Notice";

export interface Chosen {
  q: string;
  ids?: string[] | undefined;
}

const PAUSE_MS = 300;

/** Many runs replayed with one change, carefully: what will happen is counted before anything does. */
export function BulkDialog({
  chosen,
  sample,
  start = {},
  onClose,
}: {
  chosen: Chosen;
  /** One of them, to show what the replay does to it and which variables there are. */
  sample: string | undefined;
  start?: Partial<BulkDraft> | undefined;
  onClose: () => void;
}) {
  const [draft, setDraft] = useState<BulkDraft>({ ...CAREFUL, ...start });
  const { run, step } = useSample(sample);
  const blocked = problemOf(draft) ?? (step ? playgroundProblem(step, draft.overrides[step.name] ?? {}) : null);
  const { preview, plan, isSettled } = usePreview(chosen, sample, draft, blocked !== null);
  const make = useMake(chosen, draft);
  const total = preview.data?.eligible ?? 0;
  const lacksReason = draft.reason.trim() === "";
  const canStart = blocked === null && isSettled && total > 0 && !preview.error && !lacksReason && !make.isPending;
  const copy = (language: Language) => ({
    label: language,
    onSelect: () => void copyAndSay(copyBulkAs(language, bulkBodyOf(draft, chosen)), `as ${language}`),
  });
  return (
    <Dialog title={total > 0 ? `Replay ${runsInWords(total)}` : "Replay many runs"} onClose={onClose} wide>
      <CommandForm className="flex flex-col gap-5" onCommand={() => canStart && make.mutate()}>
        <Labelled label="Reason, for those who look at it later">
          <input
            autoFocus
            required
            className={FIELD}
            maxLength={2000}
            value={draft.reason}
            placeholder="the search service is back"
            onChange={(event) => setDraft({ ...draft, reason: event.target.value })}
          />
        </Labelled>
        <BulkEdits draft={draft} onDraft={setDraft} run={run} step={step} />
        <div className="grid gap-3 sm:grid-cols-2">
          <Steps draft={draft} onDraft={setDraft} steps={run?.steps.map((each) => each.name) ?? []} />
          <CodeChoice draft={draft} onDraft={setDraft} workflow={run?.workflow} same="the same as each run had" />
        </div>
        <Outcome blocked={blocked} preview={preview} plan={plan.data} sample={sample} />
        <Brakes draft={draft} onDraft={setDraft} total={total} />
        {make.error ? (
          <div role="alert" className="rounded-md border border-bad-line bg-bad-soft p-3">
            <p>
              <Sentence text={make.error.message} />
            </p>
            <BrokenRules error={make.error} />
          </div>
        ) : null}
        <div className="sticky -bottom-4 -mx-4 -mb-4 flex flex-wrap items-center gap-2 border-line border-t bg-raised px-4 py-3">
          <Button type="submit" kind="primary" aria-disabled={!canStart} aria-keyshortcuts="Control+Enter Meta+Enter">
            {make.isPending ? "Starting…" : `Replay ${total > 0 ? runsInWords(total) : ""}`}
          </Button>
          <span className="hidden items-center gap-1 sm:flex">
            <Key>Ctrl</Key>
            <Key>⏎</Key>
          </span>
          <span className="text-ink-faint text-xs">{lacksReason ? "A reason is needed." : ""}</span>
          <span className="ml-auto">
            <Menu label="Copy as" items={[copy("Python"), copy("CLI"), copy("curl")]} />
          </span>
        </div>
      </CommandForm>
    </Dialog>
  );
}

/** One of the runs and the step that it failed at. */
function useSample(sample: string | undefined) {
  const run = useQuery({ ...runQuery(sample ?? ""), enabled: sample !== undefined }).data;
  const failed = run?.failed_step ?? "";
  const step = useQuery({ ...stepQuery(sample ?? "", failed, undefined), enabled: failed !== "" }).data;
  return { run, step };
}

function Outcome({
  blocked,
  preview,
  plan,
  sample,
}: {
  blocked: string | null;
  preview: UseQueryResult<BulkPreview>;
  plan: ReplayPlan | undefined;
  sample: string | undefined;
}) {
  return (
    <section aria-label="What will happen" aria-live="polite" className="flex flex-col gap-2">
      <h3 className="text-sm">What will happen</h3>
      {blocked ? <p className="text-bad">{blocked}</p> : <Counted preview={preview} plan={plan} sample={sample} />}
    </section>
  );
}

function Counted({
  preview,
  plan,
  sample,
}: {
  preview: UseQueryResult<BulkPreview>;
  plan: ReplayPlan | undefined;
  sample: string | undefined;
}) {
  if (preview.error) return <ProblemNotice error={preview.error} />;
  if (!preview.data) return <Loading what="what would happen" />;
  return (
    <>
      <Preview preview={preview.data} plan={plan?.summary} sample={sample} />
      {plan?.warnings.map((warning) => (
        <p key={warning} className="rounded-md border border-wait-line bg-wait-soft px-3 py-2 text-sm">
          {warning}
        </p>
      ))}
    </>
  );
}

/** The counts that follow the draft, and what becomes of one of the runs. */
function usePreview(chosen: Chosen, sample: string | undefined, draft: BulkDraft, blocked: boolean) {
  // A reason and brakes change nothing about what is replayed.
  const wanted = useMemo(() => bulkBodyOf({ ...CAREFUL, ...onlyChanges(draft) }, chosen), [draft, chosen]);
  const text = writeRequest(wanted);
  const [settled, setSettled] = useState({ text, wanted });
  useEffect(() => {
    const timer = setTimeout(() => setSettled({ text, wanted }), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, wanted]);
  const shared = { placeholderData: keepPreviousData, staleTime: 0, gcTime: 0 };
  const preview = useQuery({
    queryKey: ["bulk-preview", settled.text],
    queryFn: ({ signal }) => previewBulk(settled.wanted, signal),
    enabled: !blocked,
    ...shared,
  });
  const plan = useQuery({
    queryKey: ["plan", sample, "bulk", settled.text],
    queryFn: ({ signal }) => planReplay(sample ?? "", settled.wanted.request, signal),
    enabled: !blocked && sample !== undefined,
    // That it is refused for this run is said by the preview.
    retry: false,
    ...shared,
  });
  return {
    preview,
    plan,
    isSettled: text === settled.text && preview.isSuccess && !preview.isPlaceholderData,
  };
}

function onlyChanges(draft: BulkDraft): Partial<BulkDraft> {
  const { fromBeginning, startSteps, patches, overrides, code, freshKey: fresh } = draft;
  return { fromBeginning, startSteps, patches, overrides, code, freshKey: fresh };
}

function useMake(chosen: Chosen, draft: BulkDraft) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const body = bulkBodyOf(draft, chosen);
  const text = writeRequest(body);
  // Pressing twice makes one; another request is another bulk replay.
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new request is the reason for a new key
  const key = useMemo(freshKey, [text]);
  return useMutation({
    mutationFn: () => createBulk(body, key),
    onSuccess: async (bulk) => {
      void client.invalidateQueries({ queryKey: ["bulks"] });
      await navigate({ to: "/replays/$bulk", params: { bulk: bulk.id }, search: {} });
      announce(`The replay of ${runsInWords(bulk.total)} has begun.`);
    },
  });
}

interface Part {
  draft: BulkDraft;
  onDraft: (draft: BulkDraft) => void;
}

function Steps({ draft, onDraft, steps }: Part & { steps: string[] }) {
  const from = draft.fromBeginning ? "*beginning" : draft.startSteps.join("\n");
  const own = draft.startSteps.length > 1 ? [draft.startSteps.join("\n")] : [];
  return (
    <Labelled label="Run again from">
      <select
        className={FIELD}
        value={from}
        onChange={({ target: { value } }) =>
          onDraft({
            ...draft,
            fromBeginning: value === "*beginning",
            startSteps: value === "" || value === "*beginning" ? [] : value.split("\n"),
          })
        }
      >
        <option value="">the step where each failed</option>
        <option value="*beginning">the beginning</option>
        {[...new Set([...own, ...draft.startSteps.slice(0, own.length > 0 ? 0 : 1), ...steps])].map((step) => (
          <option key={step} value={step}>
            {step.replaceAll("\n", ", ")}
          </option>
        ))}
      </select>
    </Labelled>
  );
}

function Brakes({ draft, onDraft, total }: Part & { total: number }) {
  return (
    <fieldset className="flex flex-col gap-3 rounded-md border border-line p-3">
      <legend className="px-1 text-sm">How carefully</legend>
      <Checkbox checked={draft.canary} onChange={(canary) => onDraft({ ...draft, canary })}>
        A few first, the others when these have ended well
        {draft.canary && total > 1 ? (
          <span className="block text-ink-faint text-xs">{stagesInWords(canaryStages(total))}</span>
        ) : null}
      </Checkbox>
      <Checkbox checked={draft.stopOnNew} onChange={(stopOnNew) => onDraft({ ...draft, stopOnNew })}>
        Stop when one fails in a way that none of them had failed in
      </Checkbox>
      <div className="grid gap-3 sm:grid-cols-2">
        <Labelled label="Stop after so many failures (empty: never)">
          <input
            inputMode="numeric"
            className={`${FIELD} font-mono`}
            value={draft.stopAfter}
            onChange={(event) => onDraft({ ...draft, stopAfter: event.target.value.trim() })}
          />
        </Labelled>
        <Labelled label="Replays per second at most (empty: no limit)">
          <input
            inputMode="decimal"
            className={`${FIELD} font-mono`}
            value={draft.rate}
            onChange={(event) => onDraft({ ...draft, rate: event.target.value.trim() })}
          />
        </Labelled>
      </div>
    </fieldset>
  );
}

const MOST_PROBLEMS = 20;

function Preview({
  preview,
  plan,
  sample,
}: {
  preview: BulkPreview;
  plan: string | undefined;
  sample: string | undefined;
}) {
  const { matched, eligible, previewed, will_run, problems } = preview;
  const looked = previewed < eligible ? `Of the newest ${previewed}, which were looked at one by one, ` : "";
  return (
    <div className="flex flex-col gap-2 text-sm">
      <p className="font-medium">
        {eligible === 0 ? "No finished run is meant: there is nothing to replay. " : ""}
        {matched > eligible ? `${matched - eligible} of ${matched} have not finished and are left out. ` : ""}
        {eligible > 0
          ? `${looked}${problems.length === 0 && previewed === eligible ? `All ${eligible}` : will_run} will be replayed` +
            `${problems.length > 0 ? `, ${problems.length} will be refused` : ""}.`
          : ""}
      </p>
      {plan && sample ? (
        <p className="text-ink-soft">
          For example {shortId(sample)}: {plan}
        </p>
      ) : null}
      {problems.length > 0 ? (
        <ul aria-label="Runs that are refused" className="flex flex-col gap-1 rounded-md bg-bad-soft p-3">
          {problems.slice(0, MOST_PROBLEMS).map(({ run_id, problem }) => (
            <li key={run_id} className="wrap-anywhere">
              <Link
                to="/runs/$run"
                params={{ run: run_id }}
                search={{}}
                className="font-mono text-accent text-xs underline"
              >
                {shortId(run_id)}
              </Link>{" "}
              {problem}
            </li>
          ))}
          {problems.length > MOST_PROBLEMS ? <li>and {problems.length - MOST_PROBLEMS} more</li> : null}
        </ul>
      ) : null}
    </div>
  );
}
