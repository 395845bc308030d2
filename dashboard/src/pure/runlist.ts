/** How a list of runs stays still while the runs in it live on. */

import type { RunList, RunSummary } from "@/api/contract";

/** The same pages with that run replaced where it stands; the same object when no page shows it. */
export function updateInPlace(pages: readonly RunList[], run: RunSummary): readonly RunList[] {
  const page = pages.findIndex((each) => each.items.some((item) => item.id === run.id));
  if (page < 0) return pages;
  return pages.map((each, index) =>
    index === page ? { ...each, items: each.items.map((item) => (item.id === run.id ? run : item)) } : each,
  );
}

/** Which runs of the newest page the list does not show yet. */
export function unseen(shown: readonly RunSummary[], newest: readonly RunSummary[]): RunSummary[] {
  const known = new Set(shown.map((run) => run.id));
  const top = shown[0]?.created_at ?? "";
  return newest.filter((run) => !known.has(run.id) && run.created_at >= top);
}

/** `12 new runs`, `50+ new runs`: the newest page may not hold them all. */
export function newRunsWords(count: number, pageSize: number): string {
  if (count >= pageSize) return `${pageSize}+ new runs`;
  return count === 1 ? "1 new run" : `${count} new runs`;
}
