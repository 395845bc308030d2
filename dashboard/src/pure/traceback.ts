/** Tracebacks: which lines matter, and the whole as Python prints it. */

import type { ErrorDetails } from "@/api/contract";

type Frame = ErrorDetails["frames"][number];

export interface FramePart {
  key: string;
  /** A run of library frames, hidden behind one line. */
  folded: boolean;
  frames: Frame[];
}

/** Own code stays visible. If there is none, everything is: an error without any frame explains nothing. */
export function foldFrames(frames: readonly Frame[]): FramePart[] {
  if (!frames.some((frame) => frame.in_app)) return [{ key: "all", folded: false, frames: [...frames] }];
  const parts: FramePart[] = [];
  for (const frame of frames) {
    const last = parts.at(-1);
    if (last && last.folded === !frame.in_app) last.frames.push(frame);
    else parts.push({ key: String(parts.length), folded: !frame.in_app, frames: [frame] });
  }
  return parts;
}

export function tracebackText(error: ErrorDetails): string {
  const cause = error.cause
    ? `${tracebackText(error.cause)}\n\nThe above exception was the direct cause of the following exception:\n\n`
    : "";
  const lines = error.frames.map((frame) => {
    const place = `  File "${frame.file}", line ${frame.line}, in ${frame.function}`;
    return frame.code ? `${place}\n    ${frame.code.trim()}` : place;
  });
  const head = lines.length > 0 ? `Traceback (most recent call last):\n${lines.join("\n")}\n` : "";
  return `${cause}${head}${error.type}${error.message ? `: ${error.message}` : ""}`;
}
