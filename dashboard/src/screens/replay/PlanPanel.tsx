import { useMutation } from "@tanstack/react-query";
import { TriangleAlert } from "lucide-react";
import { useId } from "react";
import { problemFrom } from "@/api/client";
import { freshKey } from "@/api/commands";
import type { ReplayPlan } from "@/api/contract";
import { keepDocument } from "@/api/documents";
import { copyAs } from "@/pure/copyas";
import { pointerWords } from "@/pure/json";
import { CodeChoice } from "@/screens/replay/CodeChoice";
import { type Draft, requestOf } from "@/screens/replay/draft";
import { refusalInWords } from "@/screens/replay/refusal";
import type { Replaying } from "@/screens/replay/useReplay";
import { announce } from "@/ui/announce";
import { Button, Key } from "@/ui/Button";
import { copyAndSay } from "@/ui/Copy";
import { Glyph } from "@/ui/Glyph";
import { FIELD, Labelled } from "@/ui/Labelled";
import { Menu } from "@/ui/Menu";
import { BrokenRules, ProblemNotice, Sentence } from "@/ui/Notice";

interface Shown {
  draft: Draft;
  onDraft: (draft: Draft) => void;
  replaying: Replaying;
  /** Why the draft cannot be sent, if it cannot. */
  blocked: string | null;
}

/** What will happen, by name, before anything happens. */
export function PlanPanel({ draft, onDraft, replaying, blocked }: Shown) {
  const { plan, isSettled } = replaying;
  return (
    <section aria-label="Replay plan" className="flex flex-col gap-3">
      <h3 className="flex items-baseline gap-2 text-sm">
        Replay plan
        <span className="font-normal text-ink-faint text-xs">
          {blocked ? "none yet" : isSettled ? "" : "working it out…"}
        </span>
      </h3>
      {plan.error && !blocked ? <Refusal error={plan.error} /> : null}
      {plan.data && !plan.error && !blocked ? <PlanInWords plan={plan.data} draft={draft} onDraft={onDraft} /> : null}
      <Options plan={plan.data} draft={draft} onDraft={onDraft} />
    </section>
  );
}

function Refusal({ error }: { error: unknown }) {
  return (
    <div role="alert" className="rounded-md border border-bad-line bg-bad-soft p-3">
      <p>
        <Sentence text={problemFrom(error).message} />
      </p>
      <BrokenRules error={error} />
    </div>
  );
}

function PlanInWords({ plan, draft, onDraft }: { plan: ReplayPlan; draft: Draft; onDraft: (draft: Draft) => void }) {
  const of = (action: string) => plan.steps.filter((step) => step.action === action);
  const useSuggested = () => onDraft({ ...draft, fromBeginning: false, startSteps: plan.suggested_start_steps });
  return (
    <div aria-live="polite" className="flex flex-col gap-2">
      <dl className="flex flex-col gap-1.5">
        <StepLine word="run" steps={of("run")} look="border-accent-line bg-accent-soft text-ink" />
        <StepLine word="keep" steps={of("keep")} look="border-line bg-surface text-ink-soft" />
        <StepLine word="not reached" steps={of("not_reached")} look="border-line border-dashed text-ink-faint" />
      </dl>
      <Changes plan={plan} />
      {plan.warnings.map((warning) => (
        <p key={warning} className="flex gap-2 rounded-md border border-wait-line bg-wait-soft px-3 py-2 text-sm">
          <TriangleAlert className="mt-0.5 size-4 shrink-0 text-wait" aria-hidden="true" />
          {warning}
        </p>
      ))}
      {plan.stale.length > 0 ? (
        <Button
          className="wrap-anywhere h-auto! min-h-8 self-start whitespace-normal! py-1 text-left leading-5!"
          onClick={useSuggested}
        >
          Run from {plan.suggested_start_steps.join(", ")} instead, so that nothing is stale
        </Button>
      ) : null}
    </div>
  );
}

function StepLine({ word, steps, look }: { word: string; steps: ReplayPlan["steps"]; look: string }) {
  if (steps.length === 0) return null;
  return (
    <div className="flex gap-2">
      <dt className="w-20 shrink-0 pt-0.5 text-ink-faint text-sm">{word}</dt>
      <dd className="wrap-anywhere flex min-w-0 flex-wrap gap-1.5">
        {steps.map((step) => (
          <span
            key={step.name}
            title={step.why}
            className={`inline-flex min-w-0 items-center gap-1 rounded-sm border px-1.5 py-0.5 text-sm ${look}`}
          >
            {step.action === "keep" ? <Glyph name="second" className="size-3 text-accent" /> : null}
            {step.name}
            {step.edited ? <small className="text-accent">edited</small> : null}
            {step.effect === "irreversible" ? <small className="text-wait">irreversible</small> : null}
          </span>
        ))}
      </dd>
    </div>
  );
}

/** Every edit and override that is in the request: before and after. */
function Changes({ plan }: { plan: ReplayPlan }) {
  const changes = [
    ...plan.edits.map((edit) => ({
      ...edit,
      name: `${edit.step === "input" ? "run input" : edit.step} · ${pointerWords(edit.path)}`,
    })),
    ...plan.overrides.map((override) => ({ ...override, name: `${override.step} · ${override.name}` })),
  ];
  if (changes.length === 0) return null;
  return (
    <ul className="flex flex-col gap-1 text-sm">
      {changes.map((change, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two operations may have one path, and a new plan is a new list
        <li key={index} className="wrap-anywhere font-mono text-xs">
          <span className="text-ink-soft">{change.name}</span>{" "}
          <del className="text-ink-faint">{change.before ?? "nothing"}</del> <span aria-hidden="true">→</span>{" "}
          <ins className="text-accent no-underline">{change.after ?? "nothing"}</ins>
        </li>
      ))}
    </ul>
  );
}

function Options({ plan, draft, onDraft }: { plan: ReplayPlan | undefined } & Pick<Shown, "draft" | "onDraft">) {
  const source = plan?.code.source_number;
  return (
    <div className="grid gap-3 sm:grid-cols-2">
      <Labelled label="Reason, for those who look at it later">
        <input
          data-edit="reason"
          className={FIELD}
          value={draft.reason}
          maxLength={2000}
          placeholder="customer asked for French"
          onChange={(event) => onDraft({ ...draft, reason: event.target.value })}
        />
      </Labelled>
      <CodeChoice
        draft={draft}
        onDraft={onDraft}
        workflow={plan?.workflow}
        same={`same as this run${source === undefined ? "" : ` (v${source})`}`}
      />
    </div>
  );
}

const DRAFT_KEY_LENGTH = 12;

/** This page with the draft that is kept under `key`, for a colleague. */
function linkTo(key: string): string {
  const url = new URL(location.href);
  url.searchParams.set("draft", key);
  return url.href;
}

/** Always in sight at the bottom of the panel: what will run, by name, and the button. */
export function ReplayBar({
  runId,
  draft,
  replaying,
  blocked,
}: { runId: string } & Pick<Shown, "draft" | "replaying" | "blocked">) {
  const { make, canReplay, plan, isSettled } = replaying;
  const sayingId = useId();
  const refused = blocked ?? (plan.error ? refusalInWords(problemFrom(plan.error)) : null);
  const running = plan.data?.steps.filter((step) => step.action === "run").length ?? 0;
  const link = useMutation({
    mutationFn: (key: string) => keepDocument("draft", key, JSON.stringify(draft)),
    onSuccess: ({ key }) => copyAndSay(linkTo(key), "a link to this draft"),
    onError: (error) => announce(problemFrom(error).message, "bad"),
  });
  const copy = (language: "Python" | "CLI" | "curl") => ({
    label: language,
    onSelect: () =>
      // A command names the edits one by one, and only a plan of this very draft knows them.
      plan.data && isSettled && !refused
        ? void copyAndSay(copyAs(language, runId, requestOf(draft), plan.data.edits), `as ${language}`)
        : announce(refused ?? "The plan is still being worked out. Try again in a moment.", "bad"),
  });
  return (
    <footer className="border-line border-t bg-surface">
      {make.error ? <ProblemNotice error={make.error} /> : null}
      <p
        id={sayingId}
        aria-live="polite"
        className={`wrap-anywhere line-clamp-6 px-4 pt-2 font-medium text-sm empty:hidden ${refused ? "text-bad" : ""}`}
      >
        {refused ?? plan.data?.summary}
      </p>
      <div className="flex flex-wrap items-center gap-2 px-4 py-3">
        <Button
          type="submit"
          kind="primary"
          aria-disabled={!canReplay}
          aria-describedby={sayingId}
          aria-keyshortcuts="Control+Enter Meta+Enter"
        >
          {make.isPending
            ? "Replaying…"
            : `Replay${running > 0 ? ` ${running} ${running === 1 ? "step" : "steps"}` : ""}`}
        </Button>
        <span className="hidden items-center gap-1 sm:flex">
          <Key>Ctrl</Key>
          <Key>⏎</Key>
        </span>
        <div className="ml-auto">
          <Menu
            label="Copy as"
            items={[
              copy("Python"),
              copy("CLI"),
              copy("curl"),
              { label: "Link to this draft", onSelect: () => link.mutate(freshKey().slice(0, DRAFT_KEY_LENGTH)) },
            ]}
          />
        </div>
      </div>
    </footer>
  );
}
