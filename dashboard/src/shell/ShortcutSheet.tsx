import {
  enableShortcuts,
  PALETTE_KEYS,
  type Shortcut,
  useRegisteredShortcuts,
  useShortcutsEnabled,
} from "@/shell/shortcuts";
import { Key } from "@/ui/Button";
import { Checkbox } from "@/ui/Checkbox";
import { Dialog } from "@/ui/Dialog";

const EVERYWHERE: Pick<Shortcut, "keys" | "label">[] = [
  { keys: PALETTE_KEYS, label: "Command palette" },
  { keys: "Tab", label: "Next control" },
  { keys: "Esc", label: "Close what is open" },
];

export function ShortcutSheet({ onClose }: { onClose: () => void }) {
  const registered = useRegisteredShortcuts();
  const enabled = useShortcutsEnabled();
  const groups = [...new Set(registered.map((shortcut) => shortcut.group))];
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose} wide>
      <div className="grid gap-6 sm:grid-cols-2">
        {groups.map((group) => (
          <Group key={group} title={group} shortcuts={registered.filter((shortcut) => shortcut.group === group)} />
        ))}
        <Group title="Always" shortcuts={EVERYWHERE} />
      </div>
      <Checkbox className="mt-6 border-line border-t pt-4" checked={enabled} onChange={enableShortcuts}>
        Single keys are shortcuts (switch this off for speech input)
      </Checkbox>
    </Dialog>
  );
}

function Group({ title, shortcuts }: { title: string; shortcuts: Pick<Shortcut, "keys" | "label">[] }) {
  return (
    <section>
      <h3 className="mb-2 text-ink-faint text-xs">{title}</h3>
      <dl className="space-y-1.5">
        {shortcuts.map((shortcut) => (
          <div key={shortcut.keys + shortcut.label} className="flex items-center justify-between gap-4">
            <dt>{shortcut.label}</dt>
            <dd className="flex gap-1">
              {shortcut.keys.split(" ").map((key) => (
                <Key key={key}>{key}</Key>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
