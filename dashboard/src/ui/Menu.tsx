import { ChevronDown } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { buttonLook } from "@/ui/Button";

export interface MenuItem {
  label: string;
  onSelect: () => void;
}

export function Menu({ label, items }: { label: string; items: readonly MenuItem[] }) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className={buttonLook("plain")}>
        {label}
        <ChevronDown className="size-3.5" aria-hidden="true" />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="start"
          sideOffset={4}
          className="z-60 min-w-44 rounded-md border border-line bg-raised p-1 shadow-lift"
        >
          {items.map((item) => (
            <DropdownMenu.Item
              key={item.label}
              onSelect={item.onSelect}
              className="cursor-pointer rounded-sm px-2.5 py-1.5 text-sm outline-none data-[highlighted]:bg-accent-soft"
            >
              {item.label}
            </DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
