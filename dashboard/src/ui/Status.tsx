import { lookOf } from "@/pure/status";
import { Glyph, TONE_SOFT, TONE_TEXT } from "@/ui/Glyph";

/** Glyph, word and colour: none of them alone carries the meaning. */
export function Status({ status, detail, className = "" }: { status: string; detail?: string; className?: string }) {
  const look = lookOf(status);
  return (
    <span
      className={`inline-flex items-center gap-1.5 whitespace-nowrap font-medium ${TONE_TEXT[look.tone]} ${className}`}
    >
      <Glyph name={look.glyph} />
      {look.word}
      {detail ? <span className="font-normal text-ink-faint">{detail}</span> : null}
    </span>
  );
}

export function StatusPill({ status }: { status: string }) {
  const look = lookOf(status);
  return (
    <span
      className={`inline-flex items-center gap-1.5 whitespace-nowrap rounded-full px-2.5 py-1 font-semibold text-sm leading-none ${TONE_SOFT[look.tone]}`}
    >
      <Glyph name={look.glyph} />
      {look.word}
    </span>
  );
}
