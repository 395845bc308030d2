import { useEffect, useEffectEvent, useRef } from "react";

/** However often it is called, acts once per interval, at its end. */
export function useThrottled(onAct: () => void, everyMs: number): () => void {
  const act = useEffectEvent(onAct);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      act();
    }, everyMs);
  };
}
