import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { problemFrom } from "@/api/client";
import { noteGroup } from "@/api/commands";
import type { Group, NoteBody } from "@/api/contract";
import { useShortcuts } from "@/shell/shortcuts";
import { announce } from "@/ui/announce";
import { Button } from "@/ui/Button";
import { FIELD } from "@/ui/Labelled";
import { Menu } from "@/ui/Menu";

const SNOOZES: readonly { label: string; until: Partial<NoteBody> }[] = [
  { label: "for an hour", until: { for_s: 3600 } },
  { label: "for a day", until: { for_s: 86_400 } },
  { label: "until 10 more fail", until: { until_more: 10 } },
  { label: "until a new version fails", until: { until_version: true } },
];

const SAID = { resolved: "Resolved. It opens again when it recurs.", snoozed: "Snoozed.", open: "Opened again." };

/** Say something, resolve, snooze, or open again. `onDone`, where it stands in a dialog, closes that. */
export function NoteActions({ group, onDone }: { group: Group; onDone?: () => void }) {
  const client = useQueryClient();
  const [text, setText] = useState("");
  const note = useMutation({
    mutationFn: (body: NoteBody) => noteGroup(group.fingerprint, { ...body, note: text.trim() }),
    onSuccess: ({ status }) => {
      announce(status === "open" && isOpen ? "Noted." : SAID[status]);
      setText("");
      onDone?.();
    },
    onError: (error) => announce(problemFrom(error).message, "bad"),
    onSettled: () => client.invalidateQueries({ queryKey: ["inbox"] }),
  });
  const isOpen = group.status === "open";
  const field = useRef<HTMLInputElement>(null);
  const isDialog = onDone !== undefined;
  useEffect(() => {
    if (isDialog) field.current?.focus();
  }, [isDialog]);
  useShortcuts("Failure group", [
    ["n", "Write a note", () => field.current?.focus()],
    ["d", isOpen ? "Resolve" : "Reopen", () => note.mutate({ status: isOpen ? "resolved" : "open" })],
  ]);
  const isBlank = text.trim() === "";
  const say = () => !isBlank && !note.isPending && note.mutate({ status: "open" });
  const noteField = (
    <input
      ref={field}
      aria-label="Note, for those who look at it later"
      placeholder="note (optional)"
      maxLength={2000}
      className={`${FIELD} ${isDialog ? "w-full" : "min-w-40 flex-1 sm:w-56 sm:flex-none"}`}
      value={text}
      onChange={(event) => setText(event.target.value)}
      onKeyDown={(event) => {
        if (event.key === "Escape") event.currentTarget.blur();
        if (event.key === "Enter" && isOpen) say();
      }}
    />
  );
  if (!isOpen) {
    return (
      <>
        {noteField}
        <Button disabled={note.isPending} onClick={() => note.mutate({ status: "open" })}>
          Reopen
        </Button>
      </>
    );
  }
  return (
    <>
      {noteField}
      <Button disabled={isBlank || note.isPending} onClick={say}>
        Note
      </Button>
      <Menu
        label="Snooze"
        items={SNOOZES.map(({ label, until }) => ({
          label,
          onSelect: () => note.mutate({ status: "snoozed", ...until }),
        }))}
      />
      <Button disabled={note.isPending} onClick={() => note.mutate({ status: "resolved" })}>
        Resolve
      </Button>
    </>
  );
}
