"""The REST API, version 1, one line per endpoint: from this table come HTTP routes, OpenAPI and in-process calls."""

from __future__ import annotations

from types import NoneType

from mulligan.server.endpoint import Endpoint
from mulligan.server.handlers import access, bulks, inbox, queues, replays, runs, steps, workflows
from mulligan.wire.rest.bulks import Bulk
from mulligan.wire.rest.replays import Replayed
from mulligan.wire.rest.runs import RunSummary

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/info", access.show_info, "read"),
    Endpoint("POST", "/session", access.sign_in, None, status=204, answer=NoneType),
    Endpoint("DELETE", "/session", access.sign_out, None, status=204, answer=NoneType),
    # runs
    Endpoint("POST", "/runs", runs.start_run, "trigger", status=201, answer=RunSummary, also={200: RunSummary}),
    Endpoint("POST", "/runs/bulk", runs.start_runs, "trigger"),
    Endpoint("GET", "/runs", runs.list_runs, "read"),
    Endpoint("GET", "/runs/count", runs.count_runs, "read"),
    Endpoint("GET", "/runs/histogram", runs.histogram, "read"),
    Endpoint("GET", "/runs/{run_id}", runs.show_run, "read"),
    Endpoint("GET", "/runs/{run_id}/input", runs.show_run_input, "read"),
    Endpoint("GET", "/runs/{run_id}/events", runs.list_events, "read"),
    Endpoint("GET", "/runs/{run_id}/lineage", runs.show_lineage, "read"),
    Endpoint("GET", "/runs/{run_id}/logs", steps.list_logs, "read"),
    Endpoint("POST", "/runs/{run_id}/cancel", runs.cancel_run, "operate"),
    # steps of a run
    Endpoint("GET", "/runs/{run_id}/steps/{step}", steps.show_step, "read"),
    Endpoint("GET", "/runs/{run_id}/steps/{step}/input", steps.show_step_input, "read"),
    Endpoint("GET", "/runs/{run_id}/steps/{step}/output", steps.show_step_output, "read"),
    # replays
    Endpoint("POST", "/runs/{run_id}/replay/plan", replays.plan_replay, "read"),
    Endpoint(
        "POST",
        "/runs/{run_id}/replay",
        replays.replay_run,
        "operate",
        status=201,
        answer=Replayed,
        also={200: Replayed},
    ),
    Endpoint("GET", "/compare/{a}/{b}", replays.compare_runs, "read"),
    # the failure inbox
    Endpoint("GET", "/inbox", inbox.show_inbox, "read"),
    Endpoint("GET", "/inbox/{fingerprint}", inbox.show_group, "read"),
    Endpoint("POST", "/inbox/{fingerprint}", inbox.note_group, "operate"),
    # bulk replays
    Endpoint("POST", "/replays/preview", bulks.preview_bulk, "read"),
    Endpoint("POST", "/replays", bulks.create_bulk, "operate", status=201, answer=Bulk, also={200: Bulk}),
    Endpoint("GET", "/replays", bulks.list_bulks, "read"),
    Endpoint("GET", "/replays/{bulk_id}", bulks.show_bulk, "read"),
    Endpoint("GET", "/replays/{bulk_id}/items", bulks.list_bulk_items, "read"),
    Endpoint("POST", "/replays/{bulk_id}/pause", bulks.pause_bulk, "operate"),
    Endpoint("POST", "/replays/{bulk_id}/resume", bulks.resume_bulk, "operate"),
    Endpoint("POST", "/replays/{bulk_id}/abort", bulks.abort_bulk, "operate"),
    # workflows and workers
    Endpoint("GET", "/workflows", workflows.list_workflows, "read"),
    Endpoint("GET", "/workflows/{name}", workflows.show_workflow, "read"),
    Endpoint("GET", "/workers", workflows.list_workers, "read"),
    Endpoint("GET", "/queues", queues.list_queues, "read"),
    # what people keep
    Endpoint("GET", "/documents/{kind}", queues.list_documents, "read"),
    Endpoint("GET", "/documents/{kind}/{key}", queues.show_document, "read"),
    Endpoint("PUT", "/documents/{kind}/{key}", queues.keep_document, "operate"),
    Endpoint("DELETE", "/documents/{kind}/{key}", queues.drop_document, "operate", status=204),
    # tokens
    Endpoint("GET", "/tokens", access.list_tokens, "admin"),
    Endpoint("POST", "/tokens", access.create_token, "admin", status=201),
    Endpoint("DELETE", "/tokens/{token_id}", access.revoke_token, "admin", status=204),
)
