/** Light, dark, or as the system says. The choice is applied before the first paint by public/theme.js. */

import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";

const STORED = "mulligan.theme";
const watchers = new Set<() => void>();

export function chosenTheme(): Theme {
  const { theme } = document.documentElement.dataset;
  return theme === "light" || theme === "dark" ? theme : "system";
}

export function chooseTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem(STORED);
    else localStorage.setItem(STORED, theme);
  } catch {
    // Without storage the choice lasts for this page.
  }
  for (const watcher of watchers) watcher();
}

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };

export function nextTheme(): void {
  chooseTheme(NEXT[chosenTheme()]);
}

export function useTheme(): Theme {
  return useSyncExternalStore((watcher) => {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  }, chosenTheme);
}
