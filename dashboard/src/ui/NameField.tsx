import { useEffect, useRef, useState } from "react";
import { Button } from "@/ui/Button";

/** One short name, asked for in place. No `<form>`, because it may stand inside one that does something else. */
export function NameField({
  label,
  busy,
  onName,
  onClose,
}: {
  label: string;
  busy: boolean;
  onName: (name: string) => void;
  onClose: () => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  const [name, setName] = useState("");
  useEffect(() => input.current?.focus(), []);
  const submit = () => name.trim() && !busy && onName(name.trim());
  return (
    <span className="flex items-center gap-1">
      <input
        ref={input}
        aria-label={label}
        placeholder="its name"
        maxLength={60}
        className="h-7 w-36 rounded-md border border-line bg-surface px-2 text-sm"
        value={name}
        onChange={(event) => setName(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") submit();
          if (event.key === "Escape") onClose();
          if (event.key === "Enter" || event.key === "Escape") {
            event.preventDefault();
            event.stopPropagation();
          }
        }}
      />
      <Button className="h-7" disabled={busy} onClick={submit}>
        Save
      </Button>
    </span>
  );
}
