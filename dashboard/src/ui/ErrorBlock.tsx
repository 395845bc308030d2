import { useState } from "react";
import type { ErrorDetails } from "@/api/contract";
import { foldFrames, tracebackText } from "@/pure/traceback";
import { Button } from "@/ui/Button";
import { ClassName } from "@/ui/ClassName";
import { CopyButton } from "@/ui/Copy";

type Frame = ErrorDetails["frames"][number];

/** An exception as its author wants to see it: own code first, library code folded, the causes below. */
export function ErrorBlock({ error }: { error: ErrorDetails }) {
  return (
    <section aria-label="Error" className="rounded-lg border border-bad-line bg-bad-soft">
      <div className="flex items-start gap-2 py-2 pr-2 pl-3">
        <Heading error={error} />
        <span className="mt-1 whitespace-nowrap text-ink-soft text-xs">
          {error.retryable ? "retryable" : "not retryable"}
        </span>
        <CopyButton text={tracebackText(error)} what="traceback" />
      </div>
      <Frames frames={error.frames} />
      {error.cause ? <Cause error={error.cause} /> : null}
    </section>
  );
}

/** About what fills twelve lines of the drawer. */
const LONG = { characters: 800, lines: 12 };

/** A long message is cut, until somebody asks for all of it: what mends the failure stands below it. */
function Heading({ error }: { error: ErrorDetails }) {
  const [isWhole, setWhole] = useState(false);
  const isLong = error.message.length > LONG.characters || error.message.split("\n").length > LONG.lines;
  return (
    <div className="min-w-0 flex-1 py-1">
      <p className={`wrap-anywhere whitespace-pre-wrap ${isLong && !isWhole ? "line-clamp-12" : ""}`}>
        <ClassName type={error.type} className="text-sm" />
        {error.message ? <span className="text-ink">: {error.message}</span> : null}
      </p>
      {isLong ? (
        <Button kind="quiet" className="-ml-2" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
          {isWhole ? "Show less" : "Show all"}
        </Button>
      ) : null}
    </div>
  );
}

function Cause({ error }: { error: ErrorDetails }) {
  return (
    <div className="border-bad-line border-t border-dashed">
      <div className="px-3 pt-2">
        <span className="text-ink-soft text-xs">caused by</span>
        <Heading error={error} />
      </div>
      <Frames frames={error.frames} />
      {error.cause ? <Cause error={error.cause} /> : null}
    </div>
  );
}

function Frames({ frames }: { frames: Frame[] }) {
  if (frames.length === 0) return null;
  return (
    <ol className="pb-2 text-sm">
      {foldFrames(frames).map((part) =>
        part.folded ? (
          <li key={part.key}>
            <details className="group">
              <summary className="cursor-pointer px-3 py-0.5 text-ink-soft text-xs">
                {part.frames.length} library {part.frames.length === 1 ? "frame" : "frames"}
              </summary>
              <ol className="opacity-80">
                {part.frames.map((frame) => (
                  <FrameLine key={`${frame.file}:${frame.line}:${frame.function}`} frame={frame} />
                ))}
              </ol>
            </details>
          </li>
        ) : (
          part.frames.map((frame) => <FrameLine key={`${frame.file}:${frame.line}:${frame.function}`} frame={frame} />)
        ),
      )}
    </ol>
  );
}

function FrameLine({ frame }: { frame: Frame }) {
  return (
    <li className="px-3 py-0.5">
      <span className="font-mono text-ink text-xs">
        {frame.file}:{frame.line}
      </span>{" "}
      <span className="text-ink-soft text-xs">in {frame.function}</span>
      {frame.code ? (
        <code className="wrap-anywhere mt-0.5 block whitespace-pre-wrap rounded-sm bg-surface px-2 py-1 font-mono text-xs">
          {frame.code.trim()}
        </code>
      ) : null}
    </li>
  );
}
