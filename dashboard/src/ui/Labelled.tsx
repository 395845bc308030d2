/** The look of what is typed into or chosen from. */
export const FIELD = "h-8 rounded-md border border-line bg-surface px-2 text-ink text-sm hover:border-line-strong";

/** A field below the words for it. */
export function Labelled({
  label,
  className = "",
  children,
}: {
  label: string;
  className?: string;
  children: React.ReactNode;
}) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is what is given as children
    <label className={`flex flex-col gap-1 text-ink-soft text-xs ${className}`}>
      {label}
      {children}
    </label>
  );
}
