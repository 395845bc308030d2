import { Link } from "@tanstack/react-router";
import type { StepDetail } from "@/api/contract";
import { shortId } from "@/pure/ids";
import { formatDuration } from "@/pure/time";
import { originWords } from "@/screens/step/InputEditor";
import { ClassName } from "@/ui/ClassName";
import { Ago } from "@/ui/Moment";
import { Status } from "@/ui/Status";

/** How the step is declared, and every attempt at it. */
export function AboutStep({ step }: { step: StepDetail }) {
  const { retry } = step;
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-6 overflow-y-auto p-4">
      {step.doc ? <p className="max-w-prose whitespace-pre-wrap">{step.doc}</p> : null}
      <dl className="grid grid-cols-[8rem_minmax(0,1fr)] gap-x-4 gap-y-1.5 text-sm [&_dt]:text-ink-faint">
        <dt>declared in</dt>
        <dd className="wrap-anywhere font-mono text-xs">
          {step.file}:{step.line}
        </dd>
        <dt>arguments</dt>
        <dd>{step.arguments.map((each) => `${each.name} from ${originWords(each.origin)}`).join("; ") || "none"}</dd>
        <dt>effect</dt>
        <dd>{step.effect}</dd>
        <dt>retries</dt>
        <dd>
          {retry.retries === 0
            ? "none"
            : `${retry.retries}, first after ${formatDuration(retry.first_s * 1000)}, then ×${retry.factor} up to ${formatDuration(retry.cap_s * 1000)}`}
        </dd>
        <dt>time limit</dt>
        <dd>{step.timeout_s === null ? "none" : formatDuration(step.timeout_s * 1000)}</dd>
        {step.kept_from ? (
          <>
            <dt>kept from</dt>
            <dd>
              <Link
                to="/runs/$run/steps/$step"
                params={{ run: step.kept_from.run_id, step: step.name }}
                search={{}}
                className="font-mono text-accent text-xs hover:underline"
              >
                {shortId(step.kept_from.run_id)}
              </Link>
              , attempt {step.kept_from.attempt}
            </dd>
          </>
        ) : null}
      </dl>
      {step.tries.length > 0 ? <Attempts step={step} /> : null}
    </div>
  );
}

function Attempts({ step }: { step: StepDetail }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a place that scrolls must be reachable by keyboard
    <section aria-label="Attempts" tabIndex={0} className="overflow-x-auto">
      <table className="w-full text-left text-sm [&_td]:py-1 [&_td]:pr-4 [&_th]:pr-4 [&_th]:pb-1 [&_th]:font-normal [&_th]:text-ink-faint [&_th]:text-xs">
        <thead>
          <tr>
            <th>#</th>
            <th>outcome</th>
            <th>began</th>
            <th>took</th>
            <th>worker</th>
            <th>code</th>
            <th>error</th>
          </tr>
        </thead>
        <tbody>
          {step.tries.map((attempt) => (
            <tr key={attempt.number} className="border-line border-t">
              <td className="font-mono">{attempt.number}</td>
              <td>
                <Status status={attempt.outcome ?? "running"} />
              </td>
              <td>{attempt.started_at ? <Ago at={attempt.started_at} /> : "–"}</td>
              <td>{attempt.duration_ms === null ? "–" : formatDuration(attempt.duration_ms)}</td>
              <td>{attempt.worker ?? "–"}</td>
              <td>{attempt.version === null ? "–" : `v${attempt.version}`}</td>
              <td className="max-w-56 truncate text-bad" title={attempt.error?.message}>
                {attempt.error ? <ClassName type={attempt.error.type} /> : null}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
