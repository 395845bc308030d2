import { type Look, lookOf } from "@/pure/status";
import { Glyph, TONE_SOFT, TONE_TEXT } from "@/ui/Glyph";

interface Shown {
  /** The word of the API, or the look itself where the word alone does not tell it all. */
  status: string | Look;
}

/** Glyph, word and colour: none of them alone carries the meaning. */
export function Status({ status, detail, className = "" }: Shown & { detail?: string; className?: string }) {
  const look = typeof status === "string" ? lookOf(status) : status;
  return (
    <span
      className={`inline-flex items-center gap-1.5 whitespace-nowrap align-middle font-medium ${TONE_TEXT[look.tone]} ${className}`}
    >
      <Glyph name={look.glyph} />
      {look.word}
      {detail ? <span className="font-normal text-ink-faint">{detail}</span> : null}
    </span>
  );
}

export function StatusPill({ status }: Shown) {
  const look = typeof status === "string" ? lookOf(status) : status;
  return (
    <span
      className={`inline-flex items-center gap-1.5 whitespace-nowrap rounded-full px-2.5 py-1 font-semibold text-sm leading-none ${TONE_SOFT[look.tone]}`}
    >
      <Glyph name={look.glyph} />
      {look.word}
    </span>
  );
}
