/** What people keep on the server beside runs: views, presets, pins, drafts. */

import { queryOptions } from "@tanstack/react-query";
import { read, segment, send } from "@/api/client";
import type { DocumentList, KeptDocument } from "@/api/contract";
import { Raw } from "@/pure/wire";

type Kind = "view" | "preset" | "pin" | "draft";

export const documentsQuery = (kind: Kind) =>
  queryOptions({
    queryKey: ["documents", kind],
    queryFn: ({ signal }) => read<DocumentList>(`documents/${kind}`, {}, signal),
    staleTime: 30_000,
  });

/** Drafts come one by one: nobody needs the list. */
export const draftQuery = (key: string) =>
  queryOptions({
    queryKey: ["documents", "draft", key],
    queryFn: ({ signal }) => read<KeptDocument>(`documents/draft/${segment(key)}`, {}, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** `text` is JSON and is stored to the letter. */
export function keepDocument(kind: Kind, key: string, text: string): Promise<KeptDocument> {
  return send("PUT", `documents/${kind}/${segment(key)}`, { value: new Raw(text) });
}

export function dropDocument(kind: Kind, key: string): Promise<void> {
  return send("DELETE", `documents/${kind}/${segment(key)}`);
}
