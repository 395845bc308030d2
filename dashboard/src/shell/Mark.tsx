/** The letter m as two tries: the first fades, the second counts. */
export function Mark({ className = "" }: { className?: string }) {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true" className={`fill-none stroke-[3.4] ${className}`} strokeLinecap="round">
      <path d="M3 19.5v-8a4.5 4.5 0 0 1 9 0v8" className="stroke-ink-faint opacity-60" />
      <path d="M12 11.5a4.5 4.5 0 0 1 9 0v8" className="stroke-accent" />
    </svg>
  );
}
