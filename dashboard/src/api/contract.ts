/** The shapes of REST v1 by name. They are generated from the server's OpenAPI document: `npm run contract`. */

import type { BulkReplay, NoteRequest, ReplayRequest, RunSummary, StartRequest, StepSummary } from "@/api/contract.gen";
import type { Outgoing, Raw } from "@/pure/wire";

export type * from "@/api/contract.gen";

export type RunStatus = RunSummary["status"];
export type StepStatus = StepSummary["status"];
export type StartBody = Partial<Outgoing<StartRequest>> & Pick<StartRequest, "workflow">;
export type ReplayBody = Partial<Outgoing<ReplayRequest>>;
/** A patch is sent as the text that a person wrote. */
export type BulkRequest = Partial<
  Omit<Outgoing<ReplayRequest>, "patches" | "input_patch"> & { patches: Record<string, Raw>; input_patch: Raw }
>;
export type BulkBody = Partial<Omit<BulkReplay, "request">> & { request: BulkRequest };
export type NoteBody = Partial<NoteRequest> & Pick<NoteRequest, "status">;
