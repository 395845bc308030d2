import { useQuery } from "@tanstack/react-query";
import { useNavigate, useRouterState } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { useEffect, useId, useRef, useState } from "react";
import { workflowsQuery } from "@/api/queries";
import { parseQuery } from "@/pure/query";
import { isRunId, type Suggestion, suggestions, wordAt } from "@/pure/suggest";
import { useShortcuts } from "@/shell/shortcuts";
import { Key } from "@/ui/Button";

/** The query as text. On the runs page it is the other view of the chips; anywhere else it leads there. */
export function SearchBox() {
  const shown = useRouterState({
    select: ({ location }) => (location.pathname === "/runs" ? ((location.search as { q?: string }).q ?? "") : ""),
  });
  const [text, setText] = useState(shown);
  const [cursor, setCursor] = useState(0);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  const listId = useId();
  const problemId = useId();
  const navigate = useNavigate();
  const workflows = useQuery({ ...workflowsQuery(), enabled: open });

  useEffect(() => setText(shown), [shown]);
  useShortcuts("Search", [["/", "Search or filter runs", () => input.current?.select()]]);

  const names = workflows.data?.items.map((each) => each.name) ?? [];
  const { from, word } = wordAt(text, cursor);
  const offered = open ? suggestions(word, names) : [];
  const problem = parseQuery(text).problems[0]?.message;

  const submit = () => {
    setOpen(false);
    if (isRunId(text)) void navigate({ to: "/runs/$run", params: { run: text.trim() }, search: {} });
    else if (!problem)
      void navigate({ to: "/runs", search: (old) => ({ cols: old.cols, q: text.trim() || undefined }) });
  };
  const take = (suggestion: Suggestion) => {
    const next = text.slice(0, from) + suggestion.word + text.slice(cursor);
    const end = from + suggestion.word.length;
    setText(next);
    setCursor(end);
    setActive(-1);
    requestAnimationFrame(() => input.current?.setSelectionRange(end, end));
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const chosen = offered[active];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setOpen(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      setActive((old) => Math.max(-1, Math.min(offered.length - 1, old + step)));
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (chosen) take(chosen);
      else submit();
    } else if (event.key === "Tab" && chosen) {
      event.preventDefault();
      take(chosen);
    } else if (event.key === "Escape") {
      if (open && offered.length > 0) setOpen(false);
      else input.current?.blur();
    }
  };

  return (
    <search className="relative w-full max-w-2xl">
      <Search className="pointer-events-none absolute top-2 left-2.5 size-4 text-ink-faint" aria-hidden="true" />
      <input
        ref={input}
        type="text"
        role="combobox"
        aria-label="Search or filter runs"
        aria-expanded={offered.length > 0}
        aria-controls={listId}
        aria-autocomplete="list"
        aria-activedescendant={active >= 0 && offered[active] ? `${listId}-${active}` : undefined}
        aria-invalid={problem ? true : undefined}
        aria-describedby={problem ? problemId : undefined}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        placeholder="status:failed workflow:… since:24h"
        className="h-8 w-full rounded-md border border-line bg-surface pr-9 pl-8 font-mono text-sm hover:border-line-strong"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setCursor(event.target.selectionStart ?? event.target.value.length);
          setOpen(true);
          setActive(-1);
        }}
        onSelect={(event) => setCursor(event.currentTarget.selectionStart ?? 0)}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown}
      />
      <span className="pointer-events-none absolute top-1.5 right-2 hidden sm:block">
        <Key>/</Key>
      </span>
      {problem && open ? (
        <p
          id={problemId}
          className="absolute top-9 left-0 z-30 rounded-md bg-bad-soft px-3 py-1.5 text-bad text-sm shadow-lift"
        >
          {problem}
        </p>
      ) : null}
      <div
        id={listId}
        role="listbox"
        aria-label="Suggestions"
        hidden={offered.length === 0 || Boolean(problem && text.includes('"'))}
        className="absolute inset-x-0 top-9 z-30 overflow-hidden rounded-md border border-line bg-raised py-1 shadow-lift"
      >
        {offered.map((suggestion, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the input handles the keys of the whole combobox
          <div
            key={suggestion.word}
            id={`${listId}-${index}`}
            role="option"
            aria-selected={index === active}
            className={`flex gap-3 px-3 py-1 text-sm ${index === active ? "bg-accent-soft" : "hover:bg-sunken"}`}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => take(suggestion)}
          >
            <span className="font-mono text-accent">{suggestion.word}</span>
            <span className="truncate text-ink-faint">{suggestion.about}</span>
          </div>
        ))}
      </div>
    </search>
  );
}
