import type { ComponentProps } from "react";

export type ButtonKind = "primary" | "plain" | "quiet" | "danger";

const SHARED =
  "inline-flex select-none items-center justify-center gap-1.5 whitespace-nowrap rounded-md font-medium text-sm leading-none transition-colors disabled:opacity-50 aria-disabled:opacity-50";

const KINDS: Record<ButtonKind, string> = {
  primary: "bg-accent text-on-accent hover:bg-accent-strong px-3 h-8",
  plain: "border border-line bg-surface text-ink hover:bg-sunken hover:border-line-strong px-3 h-8",
  quiet: "text-ink-soft hover:bg-sunken hover:text-ink px-2 h-8",
  danger: "border border-bad-line text-bad hover:bg-bad-soft px-3 h-8",
};

/** For links that look like buttons. */
export function buttonLook(kind: ButtonKind = "plain", more = ""): string {
  return `${SHARED} ${KINDS[kind]} ${more}`;
}

export function Button({ kind = "plain", className = "", ...rest }: ComponentProps<"button"> & { kind?: ButtonKind }) {
  return <button type="button" className={buttonLook(kind, className)} {...rest} />;
}

/** An icon alone always has a name for screen readers, which is its tooltip too. */
export function IconButton({ label, className = "", ...rest }: ComponentProps<"button"> & { label: string }) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className={`${SHARED} size-8 text-ink-soft hover:bg-sunken hover:text-ink ${className}`}
      {...rest}
    />
  );
}

export function Key({ children }: { children: React.ReactNode }) {
  return (
    <kbd className="inline-flex min-w-5 items-center justify-center rounded-sm border border-line bg-sunken px-1 py-0.5 font-mono text-2xs text-ink-soft leading-none">
      {children}
    </kbd>
  );
}
