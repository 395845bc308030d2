import { Copy as CopyIcon } from "lucide-react";
import { announce } from "@/ui/announce";
import { IconButton } from "@/ui/Button";
import { copyText } from "@/ui/clipboard";

export async function copyAndSay(text: string, what: string): Promise<void> {
  if (await copyText(text)) announce(`Copied ${what}.`);
  else announce("The browser refused to copy. Select the text and copy it by hand.", "bad");
}

export function CopyButton({ text, what, className = "" }: { text: string; what: string; className?: string }) {
  return (
    <IconButton label={`Copy ${what}`} className={className} onClick={() => void copyAndSay(text, what)}>
      <CopyIcon className="size-3.5" aria-hidden="true" />
    </IconButton>
  );
}
