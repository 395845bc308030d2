import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouter } from "@tanstack/react-router";
import {
  Inbox as InboxIcon,
  Keyboard,
  Layers,
  List,
  Moon,
  Network,
  RotateCcw,
  ServerCog,
  Settings,
  Sun,
  SunMoon,
} from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { problemFrom } from "@/api/client";
import { isPaused, toggleLive, useLive, useLiveFailures } from "@/api/live";
import { inboxQuery, infoQuery } from "@/api/queries";
import { LiveDot } from "@/shell/LiveDot";
import { Mark } from "@/shell/Mark";
import { SearchBox } from "@/shell/SearchBox";
import { SignIn } from "@/shell/SignIn";
import { onKeyDown, PALETTE_KEYS, useShortcuts } from "@/shell/shortcuts";
import { nextTheme, useTheme } from "@/shell/theme";
import { Announcements } from "@/ui/announce";
import { Button, buttonLook, IconButton, Key } from "@/ui/Button";
import { Empty, ProblemNotice } from "@/ui/Notice";
import { useThrottled } from "@/ui/useThrottled";

const Palette = lazy(() => import("@/shell/Palette").then((module) => ({ default: module.Palette })));
const ShortcutSheet = lazy(() => import("@/shell/ShortcutSheet").then((module) => ({ default: module.ShortcutSheet })));

const PLACES = [
  { to: "/inbox", label: "Inbox", keys: "g i", icon: InboxIcon },
  { to: "/runs", label: "Runs", keys: "g r", icon: List },
  { to: "/workflows", label: "Workflows", keys: "g w", icon: Network },
  { to: "/queues", label: "Queues", keys: "g q", icon: Layers },
  { to: "/replays", label: "Replays", keys: "g p", icon: RotateCcw },
  { to: "/workers", label: "Workers", keys: "g k", icon: ServerCog },
  { to: "/settings", label: "Settings", keys: "g ,", icon: Settings },
] as const;

export function Shell() {
  const info = useQuery(infoQuery());
  useWhyOffline();
  if (info.error && problemFrom(info.error).status === 401) return <SignIn onEntered={() => void info.refetch()} />;
  return <Frame />;
}

function Frame() {
  useWorkerNews();
  useInboxNews();
  const [open, setOpen] = useState<"palette" | "shortcuts" | null>(null);
  const navigate = useNavigate();
  useShortcuts(
    "Go to",
    PLACES.map(({ keys, label, to }) => [keys, label, () => void navigate({ to, search: {} })]),
  );
  useShortcuts("Everywhere", [
    ["?", "These shortcuts", () => setOpen("shortcuts")],
    ["p", "Pause or resume live updates", toggleLive],
    ["t", "Switch theme", nextTheme],
  ]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
        event.preventDefault();
        setOpen((old) => (old === "palette" ? null : "palette"));
      } else onKeyDown(event);
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
  return (
    <div className="grid h-full grid-rows-[auto_minmax(0,1fr)_auto] sm:grid-cols-[auto_minmax(0,1fr)] sm:grid-rows-[auto_minmax(0,1fr)]">
      <button
        type="button"
        className={`${buttonLook("primary")} -top-20 absolute left-2 z-50 focus:top-2`}
        onClick={() => document.getElementById("content")?.focus()}
      >
        Skip to content
      </button>
      <Header onPalette={() => setOpen("palette")} />
      <Rail onShortcuts={() => setOpen("shortcuts")} />
      <main id="content" tabIndex={-1} className="row-start-2 min-w-0 overflow-hidden outline-none sm:col-start-2">
        <Outlet />
      </main>
      <Suspense>
        {open === "palette" ? <Palette onClose={() => setOpen(null)} onShortcuts={() => setOpen("shortcuts")} /> : null}
        {open === "shortcuts" ? <ShortcutSheet onClose={() => setOpen(null)} /> : null}
      </Suspense>
      <Announcements />
    </div>
  );
}

/** A stream that is refused cannot say why. An answer can, and if it is the token, the shell asks for another one. */
function useWhyOffline(): void {
  const client = useQueryClient();
  const failures = useLiveFailures();
  useEffect(() => {
    if (failures > 0) void client.invalidateQueries({ queryKey: ["info"] });
  }, [client, failures]);
}

/**
 * One stream is always open, so that the dot in the header tells the truth on every page. After a gap everything on the
 * page may be old, also what nobody tells of.
 */
function useWorkerNews(): void {
  const client = useQueryClient();
  const again = () => {
    void client.invalidateQueries({ queryKey: ["workers"] });
    void client.invalidateQueries({ queryKey: ["workflows"] });
  };
  useLive(
    "workers",
    (name) => name === "workers" && again(),
    (gap) => (gap ? void client.invalidateQueries() : again()),
  );
}

const INBOX_EVERY_MS = 1_500;

/** The badge in the rail is right on every page. When all fails at once it is counted again no more often than this. */
function useInboxNews(): void {
  const client = useQueryClient();
  const again = useThrottled(() => {
    if (!isPaused()) void client.invalidateQueries({ queryKey: ["inbox"] });
  }, INBOX_EVERY_MS);
  useLive("inbox", (name) => name === "inbox" && again(), again);
}

function Header({ onPalette }: { onPalette: () => void }) {
  const { data: info } = useQuery(infoQuery());
  return (
    <header className="col-span-full flex flex-wrap items-center gap-x-3 gap-y-2 border-line border-b bg-surface px-3 py-2">
      <Link to="/" search={{}} className="flex items-center gap-2 rounded-sm font-semibold tracking-tight">
        <Mark className="size-6" />
        <span>mulligan</span>
      </Link>
      {info ? <Place mode={info.mode} namespace={info.namespace} /> : null}
      {info ? <Updated version={info.version} /> : null}
      <div className="order-last flex w-full justify-center sm:order-none sm:w-auto sm:flex-1">
        <SearchBox />
      </div>
      <div className="ml-auto flex items-center gap-1 sm:ml-0">
        <LiveDot />
        <button
          type="button"
          onClick={onPalette}
          className={buttonLook("quiet")}
          aria-label={`${PALETTE_KEYS}: command palette`}
          title="Command palette"
        >
          <Key>{PALETTE_KEYS}</Key>
        </button>
        <ThemeButton />
      </div>
    </header>
  );
}

/** Which server this is. Production wears the warning colour, so that nobody replays there by mistake. */
function Place({ mode, namespace }: { mode: "dev" | "production"; namespace: string }) {
  const look = mode === "production" ? "border-wait-line bg-wait-soft text-wait" : "border-line text-ink-faint";
  return (
    <span className={`rounded-full border px-2 py-0.5 text-xs ${look}`}>
      {namespace === "default" ? mode : `${namespace} · ${mode}`}
    </span>
  );
}

/** A page that is open for long may be older than its server, and ask it for what is no longer there. */
function Updated({ version }: { version: string }) {
  const [first] = useState(version);
  if (version === first) return null;
  return <Button onClick={() => location.reload()}>The server is {version} now: reload</Button>;
}

const THEMES = {
  system: { icon: SunMoon, label: "Theme: as the system. Switch to light" },
  light: { icon: Sun, label: "Theme: light. Switch to dark" },
  dark: { icon: Moon, label: "Theme: dark. Switch to the system's" },
};

function ThemeButton() {
  const { icon: Icon, label } = THEMES[useTheme()];
  return (
    <IconButton label={label} onClick={nextTheme}>
      <Icon className="size-4" aria-hidden="true" />
    </IconButton>
  );
}

/** On the left on a wide screen, at the bottom on a phone. */
function Rail({ onShortcuts }: { onShortcuts: () => void }) {
  return (
    <nav
      aria-label="Main"
      className="row-start-3 flex border-line border-t bg-surface sm:row-start-2 sm:w-14 sm:flex-col sm:gap-1 sm:border-t-0 sm:border-r sm:p-2 lg:w-44"
    >
      {PLACES.map(({ to, label, icon: Icon, keys }) => (
        <Link
          key={to}
          to={to}
          search={{}}
          title={`${label} (${keys})`}
          className="relative flex min-w-0 flex-1 flex-col items-center gap-1 rounded-md py-2 text-2xs text-ink-soft tracking-tight hover:bg-sunken hover:text-ink sm:flex-none sm:px-2 sm:py-2.5 sm:tracking-normal lg:flex-row lg:gap-2.5 lg:py-1.5 lg:text-sm"
          activeProps={{ className: "!text-accent bg-accent-soft font-semibold" }}
        >
          <Icon className="size-4 shrink-0" aria-hidden="true" />
          <span className="sm:sr-only lg:not-sr-only">{label}</span>
          {to === "/inbox" ? <OpenGroups /> : null}
        </Link>
      ))}
      <button
        type="button"
        onClick={onShortcuts}
        title="Keyboard shortcuts (?)"
        className="mt-auto hidden items-center gap-2.5 rounded-md px-2 py-2 text-ink-faint text-sm hover:bg-sunken hover:text-ink sm:flex sm:justify-center lg:justify-start"
      >
        <Keyboard className="size-4 shrink-0" aria-hidden="true" />
        <span className="sm:sr-only lg:not-sr-only">Shortcuts</span>
      </button>
    </nav>
  );
}

/** How many groups of failures nobody has dealt with yet. */
function OpenGroups() {
  const { data } = useQuery(inboxQuery("open"));
  if (!data || data.counts.open === 0) return null;
  return (
    <span className="absolute top-1 left-1/2 ml-1.5 min-w-4 rounded-full bg-bad px-1 text-center font-semibold text-2xs text-surface leading-4 lg:static lg:ml-auto">
      {data.counts.open}
      <span className="sr-only"> open</span>
    </span>
  );
}

export function NotFound() {
  return (
    <Empty title="There is nothing at this address" heading="h1">
      <p>The link may be older than what it led to, or a part of it got lost on the way.</p>
      <Link to="/runs" search={{}} className={buttonLook("plain")}>
        To the runs
      </Link>
    </Empty>
  );
}

export function WentWrong({ error, reset }: { error: unknown; reset: () => void }) {
  const router = useRouter();
  const again = () => {
    reset();
    void router.invalidate();
  };
  return <ProblemNotice error={error} onRetry={again} heading="h1" />;
}
