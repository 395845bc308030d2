/** Everything the dashboard changes. Each is one request. */

import { segment, send } from "@/api/client";
import type {
  Bulk,
  BulkBody,
  BulkPreview,
  BulkRequest,
  CancelAnswer,
  Group,
  NoteBody,
  ReplayBody,
  Replayed,
  ReplayPlan,
  RunSummary,
  StartBody,
} from "@/api/contract";

/** A key made when a form opens: pressing its button twice makes one run. */
export function freshKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function startRun(body: StartBody, key: string): Promise<RunSummary> {
  return send("POST", "runs", body, { "Idempotency-Key": key });
}

export function cancelRun(id: string, reason: string): Promise<CancelAnswer> {
  return send("POST", `runs/${segment(id)}/cancel`, { reason });
}

/** Creates nothing: what a replay would do, in words. */
export function planReplay(id: string, body: ReplayBody | BulkRequest, signal: AbortSignal): Promise<ReplayPlan> {
  return send("POST", `runs/${segment(id)}/replay/plan`, body, {}, signal);
}

export function replay(id: string, body: ReplayBody & { token: string | null }, key: string): Promise<Replayed> {
  return send("POST", `runs/${segment(id)}/replay`, body, { "Idempotency-Key": key });
}

/** Resolve, snooze or open a group of failures. */
export function noteGroup(fingerprint: string, body: NoteBody): Promise<Group> {
  return send("POST", `inbox/${segment(fingerprint)}`, body);
}

/** Creates nothing: how many runs a bulk replay would take, and for which of them it is refused. */
export function previewBulk(body: BulkBody, signal: AbortSignal): Promise<BulkPreview> {
  return send("POST", "replays/preview", { q: body.q, ids: body.ids, request: body.request }, {}, signal);
}

export function createBulk(body: BulkBody, key: string): Promise<Bulk> {
  return send("POST", "replays", body, { "Idempotency-Key": key });
}

export function controlBulk(id: string, control: "pause" | "resume" | "abort"): Promise<Bulk> {
  return send("POST", `replays/${segment(id)}/${control}`, {});
}
