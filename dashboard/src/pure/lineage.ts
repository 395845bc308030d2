/** A family of runs as rows: each row a chain in which every run was made from the one before it. */

export interface Relative {
  id: string;
  source_id: string | null;
}

/** `runs`, the oldest first, each in one row. A later replay of the same source begins a row of its own, below. */
export function lineageRows<Run extends Relative>(runs: readonly Run[]): Run[][] {
  const rows: Run[][] = [];
  for (const run of runs) {
    const row = rows.find((each) => run.source_id !== null && each.at(-1)?.id === run.source_id);
    if (row) row.push(run);
    else rows.push([run]);
  }
  return rows;
}
