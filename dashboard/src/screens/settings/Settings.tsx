import { useQuery } from "@tanstack/react-query";
import { infoQuery } from "@/api/queries";
import { formatDuration, formatInstant } from "@/pure/time";
import { Tokens } from "@/screens/settings/Tokens";
import { signOut } from "@/shell/session";
import { chooseTheme, type Theme, useTheme } from "@/shell/theme";
import { Button } from "@/ui/Button";
import { useTitle } from "@/ui/useTitle";

export function Settings() {
  useTitle("Settings");
  const { data: info } = useQuery(infoQuery());
  return (
    <div className="flex h-full flex-col gap-8 overflow-y-auto p-4">
      <h1 className="text-lg">Settings</h1>
      <ThemeChoice />
      <Tokens mayManage={info?.scopes.includes("admin") ?? false} />
      <About />
    </div>
  );
}

const THEMES: { theme: Theme; word: string }[] = [
  { theme: "system", word: "as the system" },
  { theme: "light", word: "light" },
  { theme: "dark", word: "dark" },
];

function ThemeChoice() {
  const chosen = useTheme();
  return (
    <fieldset className="flex flex-wrap items-center gap-x-5 gap-y-2">
      <legend className="mb-2 font-semibold text-sm">Theme</legend>
      {THEMES.map(({ theme, word }) => (
        <label key={theme} className="flex items-center gap-2">
          <input
            type="radio"
            name="theme"
            className="size-4 accent-accent"
            checked={chosen === theme}
            onChange={() => chooseTheme(theme)}
          />
          {word}
        </label>
      ))}
    </fieldset>
  );
}

/** Which server this is, for a report of a fault and for whoever has several. */
function About() {
  const { data: info } = useQuery(infoQuery());
  if (!info) return null;
  const facts = [
    ["version", info.version],
    ["store", info.store],
    ["namespace", info.namespace],
    ["mode", info.mode],
    ["started", formatInstant(info.started_at)],
    [
      "finished runs",
      info.retention_s === null ? "kept for ever" : `kept for ${formatDuration(info.retention_s * 1000)}`,
    ],
    ["worker protocol", String(info.protocol)],
    ["you are", info.actor],
    ["you may", info.scopes.join(", ")],
  ];
  return (
    <section aria-label="About" className="flex flex-col items-start gap-3">
      <h2 className="text-sm">About this server</h2>
      <dl className="grid grid-cols-[8rem_minmax(0,1fr)] gap-x-4 gap-y-1.5 text-sm">
        {facts.map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-ink-faint">{name}</dt>
            <dd className="wrap-anywhere">{value}</dd>
          </div>
        ))}
      </dl>
      <Button onClick={() => void signOut().then(() => location.reload())}>Sign out</Button>
    </section>
  );
}
