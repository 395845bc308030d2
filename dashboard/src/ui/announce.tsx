/** Short messages at the edge of the screen, read out by screen readers: "Copied", "Cancelled". */

import { useSyncExternalStore } from "react";

interface Message {
  id: number;
  text: string;
  tone: "plain" | "bad";
}

const SHOWN_MS = 4_000;
let messages: readonly Message[] = [];
let nextId = 1;
const watchers = new Set<() => void>();

function put(next: readonly Message[]): void {
  messages = next;
  for (const watcher of watchers) watcher();
}

export function announce(text: string, tone: Message["tone"] = "plain"): void {
  const message = { id: nextId++, text, tone };
  put([...messages.slice(-2), message]);
  setTimeout(() => put(messages.filter((each) => each !== message)), SHOWN_MS);
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

export function Announcements() {
  const shown = useSyncExternalStore(watch, () => messages);
  return (
    <div
      aria-live="polite"
      className="pointer-events-none fixed inset-x-0 bottom-16 z-50 flex flex-col items-center gap-2 px-4 sm:bottom-6"
    >
      {shown.map((message) => (
        <p
          key={message.id}
          className={`animate-arrive rounded-md px-3 py-2 text-sm shadow-lift ${
            message.tone === "bad" ? "bg-bad text-surface" : "bg-ink text-page"
          }`}
        >
          {message.text}
        </p>
      ))}
    </div>
  );
}
