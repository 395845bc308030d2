/** Which shortcut a series of key presses means. `g r` is g and then r within a second. */

const PAUSE_MS = 1_000;

export interface Press {
  key: string;
  at: number;
}

export interface Matched<S> {
  shortcut: S | null;
  /** Keys of a longer shortcut that has begun; give them back with the next press. */
  pending: Press[];
}

export function matchKeys<S extends { keys: string }>(
  shortcuts: readonly S[],
  pending: readonly Press[],
  press: Press,
): Matched<S> {
  const last = pending.at(-1);
  const fresh = last && press.at - last.at <= PAUSE_MS ? [...pending, press] : [press];
  const typed = fresh.map((each) => each.key).join(" ");
  // The newest wins: an open drawer may give a key another meaning than the page below it.
  const shortcut = shortcuts.findLast((each) => each.keys === typed);
  if (shortcut) return { shortcut, pending: [] };
  if (shortcuts.some((each) => each.keys.startsWith(`${typed} `))) return { shortcut: null, pending: fresh };
  return fresh.length > 1 ? matchKeys(shortcuts, [], press) : { shortcut: null, pending: [] };
}

/** True where a key press writes text. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.tagName === "TEXTAREA" || target.tagName === "SELECT") return true;
  if (!(target instanceof HTMLInputElement)) return false;
  return !["checkbox", "radio", "button", "submit", "range"].includes(target.type);
}

/** What opens the command palette, as the keys are written on the machine at hand (`navigator.platform`). */
export function paletteKeys(platform: string): string {
  return /^(Mac|iPhone|iPad|iPod)/.test(platform) ? "⌘ K" : "Ctrl K";
}
