/** The rest of the program, fetched once the first view stands: later the server may be away, or another version. */

import type { makeRouter } from "@/routes";

const PARTS: readonly (() => Promise<unknown>)[] = [
  () => import("@/editor/JsonEditor"),
  () => import("@/pure/validate"),
  () => import("@/graph/RunGraph"),
  () => import("@/screens/bulk/BulkDialog"),
  () => import("@/screens/bulk/ReplayRest"),
  () => import("@/editor/DiffView"),
  () => import("@/shell/Palette"),
  () => import("@/shell/ShortcutSheet"),
];

export function loadAhead(router: ReturnType<typeof makeRouter>): void {
  const stop = router.subscribe("onRendered", () => {
    stop();
    whenIdle(() => void loadRest(router));
  });
}

function whenIdle(act: () => void): void {
  if ("requestIdleCallback" in window) requestIdleCallback(act);
  else setTimeout(act, 1000);
}

/** One after the other, so that whoever goes on meanwhile does not wait for all of it. */
async function loadRest(router: ReturnType<typeof makeRouter>): Promise<void> {
  const pages = Object.values(router.routesById).map((route) => async () => router.loadRouteChunk(route));
  for (const load of [...pages, ...PARTS]) {
    // What cannot be had now is asked for again by whoever needs it, who is told if that fails too.
    await load().catch(() => undefined);
  }
}
