import { useEffect } from "react";

/** The name of the page in tabs, history and bookmarks, and what a screen reader says on arrival. */
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    document.title = title ? `${title} · Mulligan` : "Mulligan";
  }, [title]);
}
