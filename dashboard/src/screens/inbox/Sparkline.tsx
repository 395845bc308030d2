import type { Group } from "@/api/contract";

/** Failures over time, small: its words are in the group's own line. */
export function Sparkline({ activity, className = "" }: { activity: Group["activity"]; className?: string }) {
  const counts = activity.map((bar) => Object.values(bar.counts).reduce((sum, count) => sum + count, 0));
  const tallest = Math.max(1, ...counts);
  return (
    <div aria-hidden="true" className={`flex h-6 w-28 items-end gap-px border-line border-b ${className}`}>
      {activity.map((bar, index) => {
        const count = counts[index] ?? 0;
        return (
          <div
            key={bar.at}
            className={`min-w-0 flex-1 rounded-t-xs ${count > 0 ? "bg-bad" : ""}`}
            style={{ height: `${count > 0 ? Math.max(12, (count / tallest) * 100) : 0}%` }}
          />
        );
      })}
    </div>
  );
}
