import { useSyncExternalStore } from "react";

const query = window.matchMedia("(max-width: 39.99rem)");

function watch(watcher: () => void): () => void {
  query.addEventListener("change", watcher);
  return () => query.removeEventListener("change", watcher);
}

/** True on a phone. For differences that style sheets cannot express. */
export function useNarrow(): boolean {
  return useSyncExternalStore(watch, () => query.matches);
}
