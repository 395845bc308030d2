/** Durations and instants in words. Everything takes milliseconds and the present moment as arguments. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Two units at most: `45ms`, `1.2s`, `41s`, `3m 12s`, `2h 5m`, `3d 4h`. */
export function formatDuration(ms: number): string {
  const span = Math.max(0, ms);
  if (span < 100) return `${Math.round(span)}ms`;
  if (span < 9_950) return `${(span / SECOND).toFixed(1)}s`;
  if (span < MINUTE - 500) return `${Math.round(span / SECOND)}s`;
  if (span < HOUR) return pair(span, MINUTE, "m", SECOND, "s");
  if (span < DAY) return pair(span, HOUR, "h", MINUTE, "m");
  return pair(span, DAY, "d", HOUR, "h");
}

function pair(span: number, large: number, largeName: string, small: number, smallName: string): string {
  const rounded = Math.round(span / small) * small;
  const rest = Math.round((rounded % large) / small);
  const head = `${Math.floor(rounded / large)}${largeName}`;
  return rest === 0 ? head : `${head} ${rest}${smallName}`;
}

const AXIS_UNITS = [
  { ms: DAY, name: "d" },
  { ms: HOUR, name: "h" },
  { ms: MINUTE, name: "m" },
  { ms: SECOND, name: "s" },
];

/** Labels of evenly spaced moments that begin at 0: all in one unit, with as many decimals as their step needs. */
export function axisLabels(moments: readonly number[]): string[] {
  const [, step = SECOND] = moments;
  const whole = AXIS_UNITS.find(({ ms }) => step % ms === 0);
  if (whole) return moments.map((moment) => `${Math.round(moment / whole.ms)}${whole.name}`);
  if ((moments.at(-1) ?? 0) < SECOND) return moments.map((moment) => `${Math.round(moment)}ms`);
  const decimals = [1, 2].find((each) => step % (SECOND / 10 ** each) === 0) ?? 3;
  return moments.map((moment) => `${(moment / SECOND).toFixed(decimals)}s`);
}

/** `just now`, `12s ago`, `in 3m`; beyond a week the date itself. */
export function formatAgo(at: string, now: number): string {
  const span = now - Date.parse(at);
  const size = Math.abs(span);
  if (size < 2 * SECOND) return "just now";
  if (size > 7 * DAY)
    return new Date(at).toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
  const words = coarse(size);
  return span > 0 ? `${words} ago` : `in ${words}`;
}

function coarse(size: number): string {
  if (size < MINUTE) return `${Math.floor(size / SECOND)}s`;
  if (size < HOUR) return `${Math.floor(size / MINUTE)}m`;
  if (size < DAY) return `${Math.floor(size / HOUR)}h`;
  return `${Math.floor(size / DAY)}d`;
}

/** Local date and time to the second, with the zone, for tooltips. */
export function formatInstant(at: string): string {
  return new Date(at).toLocaleString(undefined, {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
  });
}

/** Local date and time to the minute, for the ends of an axis. */
export function formatMinute(at: string): string {
  return new Date(at).toLocaleString(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

/** Local time to the millisecond, for log lines. */
export function formatClock(at: string): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** How long something took, or has taken up to now. `null` before it began. */
export function elapsed(
  started: string | null | undefined,
  finished: string | null | undefined,
  now: number,
): number | null {
  if (!started) return null;
  return Math.max(0, (finished ? Date.parse(finished) : now) - Date.parse(started));
}
