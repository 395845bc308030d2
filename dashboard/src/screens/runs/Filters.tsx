import { X } from "lucide-react";
import type { RunCount } from "@/api/contract";
import { formatQuery, formatTerm, parseQuery, term, withoutTerm } from "@/pure/query";
import { lookOf, RUN_STATUSES } from "@/pure/status";
import { Glyph, TONE_TEXT } from "@/ui/Glyph";

/** The query as chips. Chips and the text in the header are two views of one string. */
export function Chips({ q, onQuery }: { q: string; onQuery: (q: string) => void }) {
  const { terms } = parseQuery(q);
  if (terms.length === 0) return null;
  return (
    <ul aria-label="Filters" className="flex flex-wrap items-center gap-1.5">
      {terms.map((each, index) => {
        const text = formatTerm(each);
        return (
          <li
            key={text}
            className="flex items-center rounded-full border border-line bg-surface pl-2.5 font-mono text-xs"
          >
            {text}
            <button
              type="button"
              aria-label={`Remove the filter ${text}`}
              className="ml-0.5 flex size-6 items-center justify-center rounded-full text-ink-faint hover:bg-sunken hover:text-ink"
              onClick={() => onQuery(withoutTerm(q, index))}
            >
              <X className="size-3" aria-hidden="true" />
            </button>
          </li>
        );
      })}
      {terms.length > 1 ? (
        <li>
          <button
            type="button"
            className="rounded-sm px-1 text-ink-faint text-xs hover:text-ink"
            onClick={() => onQuery("")}
          >
            clear all
          </button>
        </li>
      ) : null}
    </ul>
  );
}

function chosenStatuses(q: string): string[] {
  return parseQuery(q)
    .terms.filter((each) => each.key === "status" && !each.negated)
    .map((each) => each.value);
}

/** The query without its statuses: what the counts beside the status buttons are counted with. */
export function withoutStatuses(q: string): string {
  return formatQuery(parseQuery(q).terms.filter((each) => each.key !== "status" || each.negated));
}

function toggled(q: string, status: string): string {
  const { terms } = parseQuery(q);
  const isOn = chosenStatuses(q).includes(status);
  const rest = terms.filter((each) => each.key !== "status" || each.negated || each.value !== status);
  return formatQuery(isOn ? rest : [...rest, term("status", status)]);
}

/** One switch per status, with how many runs it would show. */
export function StatusSwitches({
  q,
  counts,
  onQuery,
}: {
  q: string;
  counts: RunCount | undefined;
  onQuery: (q: string) => void;
}) {
  const chosen = chosenStatuses(q);
  return (
    <div role="group" aria-label="Status" className="flex gap-1 overflow-x-auto">
      {RUN_STATUSES.map((status) => {
        const look = lookOf(status);
        const isOn = chosen.includes(status);
        return (
          <button
            key={status}
            type="button"
            aria-pressed={isOn}
            onClick={() => onQuery(toggled(q, status))}
            className={`flex h-7 items-center gap-1.5 whitespace-nowrap rounded-full border px-2.5 text-xs ${
              isOn
                ? "border-accent bg-accent-soft font-semibold text-ink"
                : "border-line bg-surface text-ink-soft hover:border-line-strong"
            }`}
          >
            <Glyph name={look.glyph} className={`size-3 ${TONE_TEXT[look.tone]}`} />
            {look.word}
            <span className="font-mono text-ink-faint">
              {counts?.by_status[status] ?? 0}
              {counts?.searched_to && counts.by_status[status] ? "+" : ""}
            </span>
          </button>
        );
      })}
    </div>
  );
}
