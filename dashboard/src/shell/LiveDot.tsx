import { toggleLive, useLiveState } from "@/api/live";
import type { LiveState } from "@/api/stream";
import { buttonLook } from "@/ui/Button";

const LOOKS: Record<LiveState, { word: string; dot: string; label: string }> = {
  live: { word: "live", dot: "bg-good motion-safe:animate-breathe", label: "Live. Press to pause every update" },
  connecting: { word: "connecting", dot: "bg-wait", label: "Connecting. Press to pause every update" },
  offline: { word: "offline", dot: "bg-bad", label: "The server does not answer; trying again. Press to pause" },
  paused: {
    word: "paused",
    dot: "border border-ink-faint",
    label: "Paused: nothing is fetched by itself. Press to resume",
  },
};

export function LiveDot() {
  const state = useLiveState();
  const { word, dot, label } = LOOKS[state];
  return (
    <button
      type="button"
      aria-pressed={state === "paused"}
      aria-label={label}
      title={label}
      onClick={toggleLive}
      className={buttonLook("quiet")}
    >
      <span className={`size-2 rounded-full ${dot}`} />
      <span className={state === "offline" ? "text-bad" : ""}>{word}</span>
    </button>
  );
}
