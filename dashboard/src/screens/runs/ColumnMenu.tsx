import { Columns3 } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { HIDDEN, OPTIONAL } from "@/screens/runs/columns";
import { IconButton } from "@/ui/Button";
import { Checkbox } from "@/ui/Checkbox";

/** `cols` lists the optional columns to show, comma separated; without it the usual ones. */
function shownColumns(cols: string | undefined): string[] {
  if (cols === undefined) return OPTIONAL.map((each) => each.id).filter((id) => !HIDDEN.includes(id));
  return cols.split(",");
}

/** Column id -> visible, as the table wants it. */
export function hiddenColumns(cols: string | undefined): Record<string, boolean> {
  const shown = shownColumns(cols);
  return Object.fromEntries(OPTIONAL.map(({ id }) => [id, shown.includes(id)]));
}

export function ColumnMenu({
  cols,
  onChange,
}: {
  cols: string | undefined;
  onChange: (cols: string | undefined) => void;
}) {
  const [open, setOpen] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  const shown = shownColumns(cols);
  useEffect(() => {
    if (!open) return;
    const leave = (event: Event) => {
      if (!place.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", leave);
    document.addEventListener("focusin", leave);
    return () => {
      document.removeEventListener("pointerdown", leave);
      document.removeEventListener("focusin", leave);
    };
  }, [open]);
  const toggle = (id: string) => {
    const next = OPTIONAL.map((each) => each.id).filter((each) =>
      each === id ? !shown.includes(id) : shown.includes(each),
    );
    onChange(next.join(",") || "none");
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes, from wherever the focus is inside
    <div
      ref={place}
      className="relative hidden sm:block"
      onKeyDown={(event) => event.key === "Escape" && setOpen(false)}
    >
      <IconButton label="Columns" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Columns3 className="size-4" aria-hidden="true" />
      </IconButton>
      {open ? (
        <fieldset className="absolute top-9 right-0 z-30 w-48 rounded-md border border-line bg-raised p-2 shadow-lift">
          <legend className="sr-only">Columns to show</legend>
          {OPTIONAL.map(({ id, label }) => (
            <Checkbox
              key={id}
              className="rounded-sm px-2 py-1 hover:bg-sunken"
              checked={shown.includes(id)}
              onChange={() => toggle(id)}
            >
              {label}
            </Checkbox>
          ))}
        </fieldset>
      ) : null}
    </div>
  );
}
