import type { Glyph as GlyphName, Tone } from "@/pure/status";

/** Drawn, not typed: no font has them all, and every one must be readable at 14 pixels. */
const SHAPES: Record<GlyphName, React.ReactNode> = {
  check: <path d="M3.5 8.5 6.6 11.5 12.5 4.8" />,
  cross: <path d="m4.2 4.2 7.6 7.6m0-7.6-7.6 7.6" />,
  dot: <circle cx="8" cy="8" r="3.6" fill="currentColor" />,
  ring: <circle cx="8" cy="8" r="4.4" />,
  dashes: <circle cx="8" cy="8" r="4.6" strokeDasharray="2.2 2.6" />,
  barred: (
    <>
      <circle cx="8" cy="8" r="5" />
      <path d="m4.6 11.4 6.8-6.8" />
    </>
  ),
  loop: (
    <>
      <path d="M12.8 8a4.8 4.8 0 1 1-1.5-3.5" />
      <path d="M12.9 2.4v2.9H10" />
    </>
  ),
  moon: <path d="M12.6 9.6A5.2 5.2 0 1 1 6.4 3.4a4.2 4.2 0 0 0 6.2 6.2Z" />,
  clock: (
    <>
      <circle cx="8" cy="8" r="5.2" />
      <path d="M8 5v3.2l2 1.4" />
    </>
  ),
  gone: (
    <>
      <path d="M3 8h2.4M10.6 8H13" />
      <path d="m6.6 10.4 2.8-4.8" />
    </>
  ),
  second: (
    <>
      <path d="M2.6 12.4V8.6a2.7 2.7 0 0 1 5.4 0v3.8" opacity="0.5" />
      <path d="M8 8.6a2.7 2.7 0 0 1 5.4 0v3.8" />
    </>
  ),
};

export const TONE_TEXT: Record<Tone, string> = {
  good: "text-good",
  bad: "text-bad",
  busy: "text-busy",
  wait: "text-wait",
  off: "text-off",
  kept: "text-accent",
};

export const TONE_FILL: Record<Tone, string> = {
  good: "bg-good",
  bad: "bg-bad",
  busy: "bg-busy",
  wait: "bg-wait",
  off: "bg-off",
  kept: "bg-accent",
};

export const TONE_SOFT: Record<Tone, string> = {
  good: "bg-good-soft text-good",
  bad: "bg-bad-soft text-bad",
  busy: "bg-busy-soft text-busy",
  wait: "bg-wait-soft text-wait",
  off: "bg-off-soft text-off",
  kept: "bg-accent-soft text-accent",
};

export function Glyph({ name, className = "" }: { name: GlyphName; className?: string }) {
  return (
    <svg
      viewBox="0 0 16 16"
      aria-hidden="true"
      className={`size-3.5 shrink-0 fill-none stroke-current stroke-2 ${name === "dot" ? "motion-safe:animate-breathe" : ""} ${className}`}
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      {SHAPES[name]}
    </svg>
  );
}
