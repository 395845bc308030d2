import { useQueryClient } from "@tanstack/react-query";
import { isPaused, useLive } from "@/api/live";
import { useThrottled } from "@/ui/useThrottled";

const LOOK_EVERY_MS = 700;

/** Looks again at `queryKey` when a bulk replay moved. The ends of its runs are news of runs, not of the replay. */
export function useBulkNews(queryKey: string[], isMoving: boolean): void {
  const client = useQueryClient();
  const look = useThrottled(() => {
    if (!isPaused()) void client.invalidateQueries({ queryKey });
  }, LOOK_EVERY_MS);
  useLive("replays", look, look);
  useLive(isMoving ? "runs" : null, look, look);
}
