import { useQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import { useLive } from "@/api/live";
import { logsQuery } from "@/api/queries";
import { formatClock } from "@/pure/time";
import { Button } from "@/ui/Button";
import { FIELD } from "@/ui/Labelled";
import { Empty, Loading, ProblemNotice } from "@/ui/Notice";

const LEVELS: Record<string, string> = {
  DEBUG: "text-ink-faint",
  INFO: "text-busy",
  WARNING: "text-wait",
  ERROR: "text-bad",
  CRITICAL: "text-bad",
};

/** What step code logged, oldest first; follows the end while the run lives. */
export function RunLogs({
  run,
  step,
  attempt,
  isLive,
}: {
  run: string;
  step?: string;
  attempt?: number;
  isLive: boolean;
}) {
  const logs = useQuery(logsQuery(run, step, attempt));
  const [needle, setNeedle] = useState("");
  const more = () => void logs.refetch({ cancelRefetch: false });
  useLive(isLive ? `run:${run}` : null, more, more);
  const all = useMemo(() => logs.data?.items ?? [], [logs.data]);
  const lines = useMemo(() => {
    const wanted = needle.trim().toLowerCase();
    if (wanted === "") return all;
    return all.filter((line) =>
      `${line.level} ${line.step} ${line.logger} ${line.message}`.toLowerCase().includes(wanted),
    );
  }, [all, needle]);

  const scroller = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 22,
    getItemKey: (index) => lines[index]?.position ?? index,
    overscan: 20,
  });
  useEffect(() => {
    if (isLive && follows.current && lines.length > 0) virtualizer.scrollToIndex(lines.length - 1);
  }, [isLive, lines.length, virtualizer]);

  if (logs.error && !logs.data) return <ProblemNotice error={logs.error} onRetry={() => void logs.refetch()} />;
  if (logs.isPending) return <Loading what="the logs" />;
  if (all.length === 0) {
    return (
      <Empty title="No log lines">
        <p>
          Whatever a step logs with Python's <code className="font-mono">logging</code> or{" "}
          <code className="font-mono">ctx.log</code> appears here.
        </p>
      </Empty>
    );
  }
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex items-center gap-3 px-4 py-2">
        <input
          type="search"
          aria-label="Find in the logs"
          placeholder="Find in the logs"
          className={`${FIELD} w-64 max-w-full`}
          value={needle}
          onChange={(event) => setNeedle(event.target.value)}
        />
        <span className="text-ink-faint text-sm">
          {lines.length === all.length ? "" : `${lines.length} of `}
          {all.length === 1 ? "1 line" : `${all.length} lines`}
          {logs.data.dropped > 0 ? `, the newest of ${all.length + logs.data.dropped}` : ""}
        </span>
        {needle ? (
          <Button kind="quiet" onClick={() => setNeedle("")}>
            Clear
          </Button>
        ) : null}
      </div>
      <section
        ref={scroller}
        aria-label="Log lines"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a place that scrolls must be reachable by keyboard
        tabIndex={0}
        className="min-h-64 flex-1 overflow-auto font-mono text-xs"
        onScroll={({ currentTarget: box }) => {
          follows.current = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
        }}
      >
        <ol className="relative" style={{ height: virtualizer.getTotalSize() }}>
          {virtualizer.getVirtualItems().map((item) => {
            const line = lines[item.index];
            return line ? (
              <li
                key={item.key}
                ref={virtualizer.measureElement}
                data-index={item.index}
                className="absolute inset-x-0 flex flex-wrap gap-x-3 px-4 py-0.5 hover:bg-sunken"
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <time dateTime={line.at} className="text-ink-faint">
                  {formatClock(line.at)}
                </time>
                <span className={`w-14 font-semibold ${LEVELS[line.level] ?? "text-ink-soft"}`}>{line.level}</span>
                {step === undefined ? (
                  <span className="w-24 truncate text-ink-soft">
                    {line.step}#{line.attempt}
                  </span>
                ) : null}
                <span className="wrap-anywhere min-w-48 flex-1 whitespace-pre-wrap">{line.message}</span>
              </li>
            ) : null;
          })}
        </ol>
      </section>
    </div>
  );
}
