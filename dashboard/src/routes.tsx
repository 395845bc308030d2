/** Every address of the dashboard. The URL is the state: whatever is on the screen can be pasted into a chat. */

import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { basePath, problemFrom } from "@/api/client";
import type { GroupStatus } from "@/api/queries";
import { formatSearch, parseSearch } from "@/pure/path";
import { Home } from "@/screens/inbox/Home";
import { Runs } from "@/screens/runs/Runs";
import { NotFound, Shell, WentWrong } from "@/shell/Shell";

type Search = Record<string, unknown>;

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function wholeNumber(value: unknown): number | undefined {
  const number = Number(text(value) ?? value);
  return value !== undefined && Number.isInteger(number) ? number : undefined;
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[]): T | undefined {
  return allowed.find((each) => each === value);
}

export const RUN_TABS = ["graph", "timeline", "children", "logs", "events"] as const;
export const STEP_TABS = ["replay", "output", "logs", "about"] as const;

const GROUP_STATUSES = ["open", "snoozed", "resolved"] as const satisfies GroupStatus[];
const ITEM_STATES = ["waiting", "started", "refused"] as const;

export interface RunsSearch {
  q?: string | undefined;
  /** Columns to show, comma separated. */
  cols?: string | undefined;
}

export interface RunSearch {
  view?: (typeof RUN_TABS)[number] | undefined;
  /** The graph as a list, or not: without it, what suits the run and the screen. */
  list?: "0" | "1" | undefined;
  tab?: (typeof STEP_TABS)[number] | undefined;
  attempt?: number | undefined;
  /** Edits that somebody has sent as a link, by the key that the server keeps them under. */
  draft?: string | undefined;
}

export interface WorkflowSearch {
  version?: number | undefined;
}

export interface InboxSearch {
  status?: GroupStatus | undefined;
}

export interface BulkSearch {
  state?: (typeof ITEM_STATES)[number] | undefined;
}

/**
 * A page that is loaded when it is needed. Where that fails it says so and can be tried again: the router by itself would
 * load everything anew, which loses open drafts, and shows the browser's own error while the server is away.
 */
const page: typeof lazyRouteComponent = (load, name) =>
  lazyRouteComponent(
    () =>
      load().catch((error: unknown) => {
        throw problemFrom(error);
      }),
    name,
  );

const root = createRootRoute({ component: Shell });

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: Home,
});

const inbox = createRoute({
  getParentRoute: () => root,
  path: "/inbox",
  validateSearch: (search: Search): InboxSearch => ({ status: oneOf(search.status, GROUP_STATUSES) }),
  component: page(() => import("@/screens/inbox/Inbox"), "Inbox"),
});

const group = createRoute({
  getParentRoute: () => root,
  path: "/inbox/$group",
  component: page(() => import("@/screens/inbox/GroupPage"), "GroupPage"),
});

const bulks = createRoute({
  getParentRoute: () => root,
  path: "/replays",
  component: page(() => import("@/screens/bulk/Bulks"), "Bulks"),
});

const bulk = createRoute({
  getParentRoute: () => root,
  path: "/replays/$bulk",
  validateSearch: (search: Search): BulkSearch => ({ state: oneOf(search.state, ITEM_STATES) }),
  component: page(() => import("@/screens/bulk/BulkPage"), "BulkPage"),
});

const runs = createRoute({
  getParentRoute: () => root,
  path: "/runs",
  validateSearch: (search: Search): RunsSearch => ({ q: text(search.q), cols: text(search.cols) }),
  component: Runs,
});

const run = createRoute({
  getParentRoute: () => root,
  path: "/runs/$run",
  validateSearch: (search: Search): RunSearch => ({
    view: oneOf(search.view, RUN_TABS),
    list: oneOf(search.list, ["0", "1"]),
    tab: oneOf(search.tab, STEP_TABS),
    attempt: wholeNumber(search.attempt),
    draft: text(search.draft),
  }),
  component: page(() => import("@/screens/run/RunPage"), "RunPage"),
});

const step = createRoute({
  getParentRoute: () => run,
  path: "/steps/$step",
  component: page(() => import("@/screens/step/StepDrawer"), "StepDrawer"),
});

const replay = createRoute({
  getParentRoute: () => run,
  path: "/replay",
  component: page(() => import("@/screens/run/RunReplay"), "RunReplay"),
});

const compare = createRoute({
  getParentRoute: () => root,
  path: "/compare/$a/$b",
  component: page(() => import("@/screens/compare/Compare"), "Compare"),
});

const workflows = createRoute({
  getParentRoute: () => root,
  path: "/workflows",
  component: page(() => import("@/screens/workflows/Workflows"), "Workflows"),
});

const workflow = createRoute({
  getParentRoute: () => root,
  path: "/workflows/$workflow",
  validateSearch: (search: Search): WorkflowSearch => ({ version: wholeNumber(search.version) }),
  component: page(() => import("@/screens/workflows/WorkflowPage"), "WorkflowPage"),
});

const workers = createRoute({
  getParentRoute: () => root,
  path: "/workers",
  component: page(() => import("@/screens/workers/Workers"), "Workers"),
});

const queues = createRoute({
  getParentRoute: () => root,
  path: "/queues",
  component: page(() => import("@/screens/queues/Queues"), "Queues"),
});

const settings = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  component: page(() => import("@/screens/settings/Settings"), "Settings"),
});

export function makeRouter() {
  return createRouter({
    routeTree: root.addChildren([
      home,
      inbox,
      group,
      bulks,
      bulk,
      runs,
      run.addChildren([step, replay]),
      compare,
      workflows,
      workflow,
      workers,
      queues,
      settings,
    ]),
    basepath: basePath(),
    parseSearch,
    stringifySearch: formatSearch,
    defaultNotFoundComponent: NotFound,
    defaultErrorComponent: WentWrong,
    defaultPreload: "intent",
    defaultPreloadDelay: 80,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
