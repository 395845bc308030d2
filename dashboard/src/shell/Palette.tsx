import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { Dialog as Radix } from "radix-ui";
import { useState } from "react";
import { toggleLive } from "@/api/live";
import { newestRunsQuery, workflowsQuery } from "@/api/queries";
import { shortId } from "@/pure/ids";
import { isRunId } from "@/pure/suggest";
import { signOut } from "@/shell/session";
import { nextTheme } from "@/shell/theme";
import { Status } from "@/ui/Status";

/** Go anywhere, do anything, by typing a part of its name. */
export function Palette({ onClose, onShortcuts }: { onClose: () => void; onShortcuts: () => void }) {
  const [text, setText] = useState("");
  const navigate = useNavigate();
  const workflows = useQuery(workflowsQuery());
  const newest = useQuery({ ...newestRunsQuery(""), enabled: true });
  const then = (act: () => unknown) => () => {
    onClose();
    act();
  };
  const searchFor = text.trim();
  return (
    <Radix.Root open onOpenChange={(open) => open || onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-veil" />
        <Radix.Content
          data-modal-open
          aria-describedby={undefined}
          className="fixed top-[12vh] left-1/2 z-50 w-[calc(100vw-1.5rem)] max-w-xl -translate-x-1/2 overflow-hidden rounded-lg border border-line bg-raised shadow-lift"
        >
          <Radix.Title className="sr-only">Command palette</Radix.Title>
          <Command label="Command palette" loop>
            <Command.Input
              value={text}
              onValueChange={setText}
              placeholder="Go to a page, a workflow, a run…"
              className="h-12 w-full border-line border-b bg-transparent px-4 text-lg outline-none"
            />
            <Command.List className="max-h-[55vh] overflow-y-auto p-2">
              <Command.Empty className="p-4 text-ink-faint">Nothing has that name.</Command.Empty>
              {searchFor ? (
                <Group title="Search">
                  {isRunId(searchFor) ? (
                    <Item onSelect={then(() => navigate({ to: "/runs/$run", params: { run: searchFor }, search: {} }))}>
                      Open run {searchFor}
                    </Item>
                  ) : null}
                  <Item
                    value={`search ${searchFor}`}
                    onSelect={then(() => navigate({ to: "/runs", search: { q: searchFor } }))}
                  >
                    Runs that match <code className="font-mono">{searchFor}</code>
                  </Item>
                </Group>
              ) : null}
              <Group title="Go to">
                <Item onSelect={then(() => navigate({ to: "/inbox", search: {} }))}>Inbox</Item>
                <Item onSelect={then(() => navigate({ to: "/runs", search: {} }))}>Runs</Item>
                <Item onSelect={then(() => navigate({ to: "/runs", search: { q: "status:failed" } }))}>
                  Failed runs
                </Item>
                <Item onSelect={then(() => navigate({ to: "/workflows" }))}>Workflows</Item>
                <Item onSelect={then(() => navigate({ to: "/queues" }))}>Queues</Item>
                <Item onSelect={then(() => navigate({ to: "/replays" }))}>Replays of many runs</Item>
                <Item onSelect={then(() => navigate({ to: "/workers" }))}>Workers</Item>
                <Item onSelect={then(() => navigate({ to: "/settings" }))}>Settings</Item>
              </Group>
              <Group title="Workflows">
                {workflows.data?.items.map(({ name }) => (
                  <Item
                    key={name}
                    value={`workflow ${name}`}
                    onSelect={then(() =>
                      navigate({ to: "/workflows/$workflow", params: { workflow: name }, search: {} }),
                    )}
                  >
                    {name}
                  </Item>
                ))}
              </Group>
              <Group title="Newest runs">
                {newest.data?.items.slice(0, 8).map((run) => (
                  <Item
                    key={run.id}
                    value={`run ${run.id} ${run.workflow} ${run.status}`}
                    onSelect={then(() => navigate({ to: "/runs/$run", params: { run: run.id }, search: {} }))}
                  >
                    <Status status={run.status} className="w-24" />
                    <span className="flex-1 truncate">{run.workflow}</span>
                    <span className="font-mono text-ink-faint text-xs">{shortId(run.id)}</span>
                  </Item>
                ))}
              </Group>
              <Group title="Do">
                <Item onSelect={then(toggleLive)}>Pause or resume live updates</Item>
                <Item onSelect={then(nextTheme)}>Switch theme</Item>
                <Item onSelect={then(onShortcuts)}>Keyboard shortcuts</Item>
                <Item onSelect={then(() => signOut().then(() => location.reload()))}>Sign out</Item>
              </Group>
            </Command.List>
          </Command>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

function Group({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <Command.Group
      heading={title}
      className="[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:py-1.5 [&_[cmdk-group-heading]]:text-ink-faint [&_[cmdk-group-heading]]:text-xs"
    >
      {children}
    </Command.Group>
  );
}

function Item({ value, onSelect, children }: { value?: string; onSelect: () => void; children: React.ReactNode }) {
  return (
    <Command.Item
      {...(value === undefined ? {} : { value })}
      onSelect={onSelect}
      className="flex cursor-pointer items-center gap-3 rounded-md px-2 py-2 data-[selected=true]:bg-accent-soft"
    >
      {children}
    </Command.Item>
  );
}
