/** Keyboard shortcuts: screens register theirs while they are mounted, the sheet lists what is there. */

import { useEffect, useEffectEvent, useSyncExternalStore } from "react";
import { isTyping, matchKeys, type Press, paletteKeys } from "@/pure/keys";

export interface Shortcut {
  /** As `KeyboardEvent.key`, several separated by a space. */
  keys: string;
  label: string;
  group: string;
  run: () => void;
}

/** Said, not listened to: Ctrl and ⌘ both open it everywhere. */
export const PALETTE_KEYS = paletteKeys(navigator.platform);

const STORED = "mulligan.shortcuts";
let registered: readonly Shortcut[] = [];
let enabled = readEnabled();
let pending: Press[] = [];
const watchers = new Set<() => void>();

function changed(): void {
  for (const watcher of watchers) watcher();
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

function readEnabled(): boolean {
  try {
    return localStorage.getItem(STORED) !== "off";
  } catch {
    return true;
  }
}

/** Speech input types words; people who use it must be able to switch single keys off (WCAG 2.1.4). */
export function enableShortcuts(on: boolean): void {
  enabled = on;
  try {
    localStorage.setItem(STORED, on ? "on" : "off");
  } catch {
    // Without storage the choice lasts for this page.
  }
  changed();
}

export function useShortcutsEnabled(): boolean {
  return useSyncExternalStore(watch, () => enabled);
}

export function useRegisteredShortcuts(): readonly Shortcut[] {
  return useSyncExternalStore(watch, () => registered);
}

export type Binding = [keys: string, label: string, run: () => void];

/** Registers while mounted. The bindings may close over fresh state: the newest render's are run. */
export function useShortcuts(group: string, bindings: Binding[]): void {
  const run = useEffectEvent((keys: string) => bindings.find((binding) => binding[0] === keys)?.[2]());
  const shape = JSON.stringify(bindings.map(([keys, label]) => [keys, label]));
  useEffect(() => {
    const mine = (JSON.parse(shape) as [string, string][]).map(([keys, label]) => ({
      keys,
      label,
      group,
      run: () => run(keys),
    }));
    registered = [...registered, ...mine];
    changed();
    return () => {
      registered = registered.filter((each) => !mine.includes(each));
      changed();
    };
  }, [group, shape]);
}

export function onKeyDown(event: KeyboardEvent): void {
  if (!enabled || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event.target) || document.querySelector("[role=dialog][aria-modal=true], [data-modal-open]")) return;
  const matched = matchKeys(registered, pending, { key: event.key, at: event.timeStamp });
  pending = matched.pending;
  if (!matched.shortcut) return;
  event.preventDefault();
  matched.shortcut.run();
}
