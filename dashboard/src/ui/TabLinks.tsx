import { Link } from "@tanstack/react-router";

/** Tabs that are links: what is open is part of the address. */
export function TabLinks<T extends string>({
  label,
  tabs,
  current,
  searchFor,
  end,
}: {
  label: string;
  tabs: readonly { id: T; word: string; count?: number }[];
  current: T;
  searchFor: (id: T) => Record<string, unknown>;
  end?: React.ReactNode;
}) {
  return (
    <div className="flex items-center gap-2 border-line border-b px-3">
      <nav aria-label={label} className="flex gap-1 overflow-x-auto">
        {tabs.map(({ id, word, count }) => (
          <Link
            key={id}
            to="."
            search={(old) => ({ ...old, ...searchFor(id) })}
            replace
            activeProps={{}}
            aria-current={id === current ? "page" : undefined}
            className={`-mb-px whitespace-nowrap border-b-2 px-2.5 py-2 text-sm ${
              id === current
                ? "border-accent font-semibold text-ink"
                : "border-transparent text-ink-soft hover:text-ink"
            }`}
          >
            {word}
            {count === undefined ? null : <span className="ml-1.5 font-mono text-ink-faint text-xs">{count}</span>}
          </Link>
        ))}
      </nav>
      <div className="ml-auto flex items-center gap-1">{end}</div>
    </div>
  );
}
