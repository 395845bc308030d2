import { useEffect, useRef } from "react";
import { isTyping } from "@/pure/keys";

/**
 * A form with consequences: Ctrl/⌘+Enter submits it from anywhere inside, plain Enter in a field never does. A field
 * whose text is no value yet (`setCustomValidity`) stops it; the browser shows which one and why.
 */
export function CommandForm({
  onCommand,
  className,
  takesFocus = false,
  children,
}: {
  onCommand: () => void;
  className: string;
  /** On arrival, so that its keys work at once. */
  takesFocus?: boolean;
  children: React.ReactNode;
}) {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (takesFocus) form.current?.focus();
  }, [takesFocus]);
  return (
    <form
      ref={form}
      tabIndex={-1}
      className={`outline-none ${className}`}
      onSubmit={(event) => {
        event.preventDefault();
        onCommand();
      }}
      onKeyDown={(event) => {
        if (event.key !== "Enter") return;
        const isCommand = event.ctrlKey || event.metaKey;
        if (isCommand) event.currentTarget.requestSubmit();
        // The button itself, lists and several lines of text have their own use for Enter.
        if (isCommand || (event.target instanceof HTMLInputElement && isTyping(event.target))) event.preventDefault();
      }}
    >
      {children}
    </form>
  );
}
