import { useNavigate } from "@tanstack/react-router";
import { type RowSelectionState, useTable } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import type { RunSummary } from "@/api/contract";
import { isFinished } from "@/pure/status";
import { columns, Failure, features, RunLink, RunTook, WIDTHS } from "@/screens/runs/columns";
import { useShortcuts } from "@/shell/shortcuts";
import { copyAndSay } from "@/ui/Copy";
import { Ago } from "@/ui/Moment";
import { Status } from "@/ui/Status";
import { useNarrow } from "@/ui/useNarrow";

const ROW_HEIGHT = 36;
const CARD_HEIGHT = 76;

interface Shown {
  runs: RunSummary[];
  total: number;
  hidden: Record<string, boolean>;
  selection: RowSelectionState;
  onSelection: React.Dispatch<React.SetStateAction<RowSelectionState>>;
  /** Called when the end of the list comes into sight. */
  onEnd: () => void;
}

export function RunTable({ runs, total, hidden, selection, onSelection, onEnd }: Shown) {
  const narrow = useNarrow();
  const scroller = useRef<HTMLDivElement>(null);
  const table = useTable({
    features,
    columns,
    data: runs,
    getRowId: (run) => run.id,
    state: { rowSelection: selection, columnVisibility: hidden },
    onRowSelectionChange: onSelection,
  });
  const { rows } = table.getRowModel();
  const rowHeight = narrow ? CARD_HEIGHT : ROW_HEIGHT;
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: 12,
  });
  useEffect(() => {
    if (rowHeight > 0) virtualizer.measure();
  }, [rowHeight, virtualizer]);

  const items = virtualizer.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (lastShown >= rows.length - 10 && rows.length > 0) onEnd();
  }, [lastShown, rows.length, onEnd]);

  const active = useActiveRow(runs, (index) => virtualizer.scrollToIndex(index), scroller);
  useRowShortcuts(active, (id) => table.getRow(id).toggleSelected());

  const tracks = table.getVisibleLeafColumns().map((column) => WIDTHS[column.id] ?? "1fr");
  const grid = { gridTemplateColumns: tracks.join(" ") };
  return (
    <div
      ref={scroller}
      role="table"
      aria-label="Runs"
      aria-rowcount={total + 1}
      className="relative min-h-0 flex-1 overflow-auto"
    >
      {narrow ? null : (
        <div role="rowgroup" className="sticky top-0 z-10 border-line border-b bg-page">
          {table.getHeaderGroups().map((group) => (
            <div role="row" key={group.id} className="grid gap-x-3 px-3 py-1.5 text-ink-faint text-xs" style={grid}>
              {group.headers.map((header) => (
                <span role="columnheader" key={header.id}>
                  <table.FlexRender header={header} />
                </span>
              ))}
            </div>
          ))}
        </div>
      )}
      <div role="rowgroup" className="relative" style={{ height: virtualizer.getTotalSize() }}>
        {items.map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          return (
            <div
              role="row"
              key={row.id}
              aria-rowindex={item.index + 2}
              aria-selected={row.getIsSelected()}
              className="absolute inset-x-0 border-line border-b px-3 focus-within:bg-accent-soft hover:bg-sunken aria-selected:bg-accent-soft"
              style={{ height: item.size, transform: `translateY(${item.start}px)` }}
            >
              {narrow ? (
                <Card run={row.original} />
              ) : (
                <div className="grid h-full items-center gap-x-3" style={grid}>
                  {row.getVisibleCells().map((cell) => (
                    <div role="cell" key={cell.id} className="truncate">
                      <table.FlexRender cell={cell} />
                    </div>
                  ))}
                </div>
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** A run on a phone: three short lines instead of nine columns. */
function Card({ run }: { run: RunSummary }) {
  return (
    <div role="cell" className="flex h-full flex-col justify-center gap-0.5">
      <div className="flex items-center gap-3">
        <Status status={run.status} />
        <span className="truncate font-medium">{run.workflow}</span>
        <span className="ml-auto text-ink-faint text-xs">
          <RunTook run={run} />
        </span>
      </div>
      <div className="truncate text-sm">
        <Failure run={run} />
        {run.error_message ? null : <span className="font-mono text-ink-soft text-xs">{run.input_head}</span>}
      </div>
      <div className="flex items-center gap-3 text-ink-faint text-xs">
        <RunLink run={run} />
        {run.source_id ? <span className="text-accent">replay</span> : null}
        <Ago at={run.created_at} className="ml-auto" />
      </div>
    </div>
  );
}

interface Active {
  run: RunSummary | undefined;
  move: (by: number) => void;
}

/** The row whose link has the focus. Moving scrolls to a row first, because a row out of sight does not exist. */
function useActiveRow(
  runs: RunSummary[],
  scrollTo: (index: number) => void,
  scroller: React.RefObject<HTMLDivElement | null>,
): Active {
  const [wanted, setWanted] = useState<string | null>(null);
  useEffect(() => {
    if (wanted === null) return;
    const frame = requestAnimationFrame(() => {
      scroller.current?.querySelector<HTMLElement>(`[data-run="${CSS.escape(wanted)}"]`)?.focus();
      setWanted(null);
    });
    return () => cancelAnimationFrame(frame);
  }, [wanted, scroller]);
  const focused = () => {
    const row = document.activeElement?.closest("[role=row]");
    const id = row?.querySelector<HTMLElement>("[data-run]")?.dataset.run;
    return runs.findIndex((run) => run.id === id);
  };
  return {
    get run() {
      return runs[focused()];
    },
    move: (by) => {
      const next = Math.max(0, Math.min(runs.length - 1, focused() + by));
      const run = runs[next];
      if (!run) return;
      scrollTo(next);
      setWanted(run.id);
    },
  };
}

function useRowShortcuts(active: Active, toggle: (id: string) => void): void {
  const navigate = useNavigate();
  const replay = () => {
    const { run } = active;
    if (!run || !isFinished(run.status)) return;
    if (run.failed_step) {
      void navigate({ to: "/runs/$run/steps/$step", params: { run: run.id, step: run.failed_step }, search: {} });
    } else void navigate({ to: "/runs/$run/replay", params: { run: run.id }, search: {} });
  };
  useShortcuts("List of runs", [
    ["j", "Next run", () => active.move(1)],
    ["k", "Previous run", () => active.move(-1)],
    ["x", "Select the run", () => active.run && toggle(active.run.id)],
    ["r", "Replay the run", replay],
    ["e", "Copy its id", () => active.run && void copyAndSay(active.run.id, "the run's id")],
  ]);
}
