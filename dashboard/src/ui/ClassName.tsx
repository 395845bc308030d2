import { splitClass } from "@/pure/classname";

/** The class of an exception: what it is in bold, where it comes from dimmed. */
export function ClassName({ type, className = "" }: { type: string; className?: string }) {
  const { module, name } = splitClass(type);
  return (
    <span className={`font-mono ${className}`} title={type}>
      {module ? <span className="font-normal text-ink-soft">{module}</span> : null}
      <span className="font-semibold text-bad">{name}</span>
    </span>
  );
}
