/** What is known of a failure group, in words. */

import type { Group } from "@/api/contract";

export function runsInWords(count: number): string {
  return `${count.toLocaleString("en")} ${count === 1 ? "run" : "runs"}`;
}

export function versionsInWords(versions: Group["versions"]): string {
  const numbers = versions.map(({ number, digest }) => (number === null ? digest : `v${number}`));
  return numbers.length === 1 ? `${numbers[0]} only` : numbers.join(", ");
}

export function replaysInWords({ replayed, recovered }: Pick<Group, "replayed" | "recovered">): string {
  if (replayed === 0) return "none replayed yet";
  return `${recovered} of ${replayed} replayed succeeded`;
}

/** What somebody said, and when that ends. `instant` writes a moment. */
export function noteInWords(note: NonNullable<Group["note"]>, instant: (at: string) => string): string {
  const ends = [
    note.until_at === null ? "" : `until ${instant(note.until_at)}`,
    note.until_more === null ? "" : `until ${note.until_more} more fail`,
    note.until_version ? "until a new version fails" : "",
  ].filter(Boolean);
  const said = note.status === "open" ? "reopened" : note.status;
  return [`${said} by ${note.actor}`, ends.join(" or "), note.note ? `“${note.note}”` : ""].filter(Boolean).join(" · ");
}
