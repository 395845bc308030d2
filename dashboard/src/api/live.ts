/** Live updates as React sees them: subscribe to topics, pause everything, a clock that stands still while paused. */

import { useEffect, useEffectEvent, useSyncExternalStore } from "react";
import { apiUrl } from "@/api/client";
import { type LiveState, LiveStream } from "@/api/stream";

export const live = new LiveStream((topics) => new EventSource(apiUrl("stream", { topics: topics.join(",") })));

document.addEventListener("visibilitychange", () => document.hidden || live.wake());
window.addEventListener("online", () => live.wake());

export function isPaused(): boolean {
  return live.state === "paused";
}

export function toggleLive(): void {
  if (isPaused()) live.resume();
  else live.pause();
}

export function useLiveState(): LiveState {
  return useSyncExternalStore(live.watch, () => live.state);
}

/** How often in a row it could not be opened. */
export function useLiveFailures(): number {
  return useSyncExternalStore(live.watch, () => live.failures);
}

/** Listens while mounted. `null` as topic listens to nothing. */
export function useLive(
  topic: string | null,
  onEvent: (name: string, data: unknown) => unknown,
  onResync: (gap: boolean) => void,
): void {
  const event = useEffectEvent(onEvent);
  const resync = useEffectEvent(onResync);
  useEffect(() => {
    if (topic === null) return;
    return live.subscribe(topic, { event: (name, data) => event(name, data), resync });
  }, [topic]);
}

let now = Date.now();
const hands = new Set<() => void>();
let ticking: ReturnType<typeof setInterval> | undefined;

function watchClock(hand: () => void): () => void {
  if (hands.size === 0) now = Date.now();
  hands.add(hand);
  ticking ??= setInterval(() => {
    if (isPaused() || document.hidden) return;
    now = Date.now();
    for (const each of hands) each();
  }, 1000);
  return () => {
    hands.delete(hand);
    if (hands.size > 0) return;
    clearInterval(ticking);
    ticking = undefined;
  };
}

/** The present moment, to the second. One timer for the whole page. */
export function useNow(): number {
  return useSyncExternalStore(watchClock, () => now);
}
