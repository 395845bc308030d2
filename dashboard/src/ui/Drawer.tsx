import { X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { isTyping } from "@/pure/keys";
import { IconButton } from "@/ui/Button";

const STORED = "mulligan.drawer";
const NARROWEST = 380;
const STEP = 24;

function storedWidth(): number {
  try {
    return Number(localStorage.getItem(STORED)) || 620;
  } catch {
    return 620;
  }
}

function widest(): number {
  return Math.max(NARROWEST, window.innerWidth - 360);
}

/**
 * A panel beside the page, not above it: the page stays visible and usable. On a phone it covers the page. Esc closes
 * it, except where keys write text, so that no edit is lost by a slip.
 */
export function Drawer({
  label,
  title,
  onClose,
  children,
}: {
  label: string;
  title: React.ReactNode;
  onClose: () => void;
  children: React.ReactNode;
}) {
  const [width, setWidth] = useState(storedWidth);
  const panel = useRef<HTMLElement>(null);
  const resize = (next: number) => {
    const kept = Math.round(Math.min(widest(), Math.max(NARROWEST, next)));
    setWidth(kept);
    try {
      localStorage.setItem(STORED, String(kept));
    } catch {
      // Without storage the width lasts for this page.
    }
  };
  useEffect(() => {
    if (!panel.current?.contains(document.activeElement)) panel.current?.focus();
  }, []);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("[data-modal-open]")) return;
      if (isTyping(event.target)) (panel.current?.querySelector("form") ?? panel.current)?.focus();
      else onClose();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [onClose]);
  return (
    <aside
      ref={panel}
      aria-label={label}
      tabIndex={-1}
      style={{ "--drawer": `${width}px` } as React.CSSProperties}
      className="fixed inset-0 z-30 flex flex-col bg-surface outline-none sm:relative sm:inset-auto sm:z-auto sm:w-(--drawer) sm:max-w-[calc(100vw-18rem)] sm:shrink-0 sm:border-line sm:border-l"
    >
      <div
        role="separator"
        aria-label="Width of the panel"
        aria-orientation="vertical"
        aria-valuenow={width}
        aria-valuemin={NARROWEST}
        aria-valuemax={widest()}
        tabIndex={0}
        className="-left-1 absolute inset-y-0 z-10 hidden w-2 cursor-col-resize touch-none hover:bg-accent-soft focus-visible:bg-accent-soft sm:block"
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={(event) => {
          if (event.currentTarget.hasPointerCapture(event.pointerId)) resize(window.innerWidth - event.clientX);
        }}
        onKeyDown={(event) => {
          if (event.key === "ArrowLeft") resize(width + STEP);
          if (event.key === "ArrowRight") resize(width - STEP);
        }}
      />
      <header className="flex items-center gap-2 border-line border-b py-2 pr-2 pl-4">
        <div className="flex min-w-0 flex-1 flex-wrap items-center gap-x-3 gap-y-1">{title}</div>
        <IconButton label="Close the panel (Esc)" onClick={onClose}>
          <X className="size-4" aria-hidden="true" />
        </IconButton>
      </header>
      {children}
    </aside>
  );
}
