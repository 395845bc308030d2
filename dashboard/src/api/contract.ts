/** The shapes of REST v1 by name. They are generated from the server's OpenAPI document: `npm run contract`. */

import type { ReplayRequest, RunSummary, StartRequest, StepSummary } from "@/api/contract.gen";
import type { Outgoing } from "@/pure/wire";

export type * from "@/api/contract.gen";

export type RunStatus = RunSummary["status"];
export type StepStatus = StepSummary["status"];
export type StartBody = Partial<Outgoing<StartRequest>> & Pick<StartRequest, "workflow">;
export type ReplayBody = Partial<Outgoing<ReplayRequest>>;
