import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import { IconButton } from "@/ui/Button";

/** A modal dialog. Focus goes in, stays in, and comes back; Esc and the backdrop close it. */
export function Dialog({
  title,
  description,
  onClose,
  children,
  wide = false,
}: {
  title: string;
  description?: string;
  onClose: () => void;
  children: React.ReactNode;
  wide?: boolean;
}) {
  return (
    <Radix.Root open onOpenChange={(open) => open || onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-veil" />
        <Radix.Content
          data-modal-open
          {...(description ? {} : { "aria-describedby": undefined })}
          className={`fixed top-[8vh] left-1/2 z-50 flex max-h-[84vh] w-[calc(100vw-1.5rem)] -translate-x-1/2 flex-col overflow-hidden rounded-lg border border-line bg-raised shadow-lift motion-safe:animate-arrive ${
            wide ? "max-w-3xl" : "max-w-lg"
          }`}
        >
          <header className="flex items-center gap-2 border-line border-b py-2 pr-2 pl-4">
            <Radix.Title className="wrap-anywhere min-w-0 flex-1 text-base">{title}</Radix.Title>
            <Radix.Close asChild>
              <IconButton label="Close">
                <X className="size-4" aria-hidden="true" />
              </IconButton>
            </Radix.Close>
          </header>
          {description ? (
            <Radix.Description className="px-4 pt-3 text-ink-soft">{description}</Radix.Description>
          ) : null}
          <div className="min-h-0 flex-1 overflow-y-auto p-4">{children}</div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
