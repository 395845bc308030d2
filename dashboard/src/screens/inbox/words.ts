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

/** What somebody last said of it, and when that ends; nothing when nobody has. `instant` writes a moment. */
export function noteInWords({ note, status }: Pick<Group, "note" | "status">, instant: (at: string) => string): string {
  if (note === null) return "";
  const ends = [
    note.until_at === null ? "" : `until ${instant(note.until_at)}`,
    note.until_more === null ? "" : `until ${note.until_more} more fail`,
    note.until_version ? "until a new version fails" : "",
  ].filter(Boolean);
  const isOver = status === "open" && note.status !== "open";
  const said = note.status === "open" ? (note.note ? "noted" : "reopened") : `${isOver ? "was " : ""}${note.status}`;
  return [`${said} by ${note.actor}`, ends.join(" or "), note.note ? `“${note.note}”` : ""].filter(Boolean).join(" · ");
}
