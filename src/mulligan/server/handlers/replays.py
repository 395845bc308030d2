"""Planning and making replays, and comparing two runs."""

from __future__ import annotations

from mulligan.server.endpoint import Reply
from mulligan.server.handlers.steps import all_payloads
from mulligan.server.reading.comparison import Side, compare
from mulligan.server.reading.replays import asked, replay_plan
from mulligan.server.reading.scene import load_scene, run_id_of
from mulligan.server.site import Call
from mulligan.wire.rest.codec import write
from mulligan.wire.rest.replays import Comparison, ReplayCommand, Replayed, ReplayPlan, ReplayRequest


async def plan_replay(call: Call, run_id: str, body: ReplayRequest) -> ReplayPlan:
    """What a replay would keep, run and change. Creates nothing."""
    return replay_plan(await call.engine.plan_replay(call.namespace, run_id_of(run_id), asked(body)))


async def replay_run(call: Call, run_id: str, body: ReplayCommand, idempotency_key: str | None) -> Reply:
    """Make a new run out of a finished one. With a plan's ``token``, refused if anything has changed since."""
    replayed = await call.engine.replay(
        call.namespace,
        run_id_of(run_id),
        asked(body),
        author=call.caller.actor,
        token=body.token,
        idempotency_key=idempotency_key,
    )
    answer = Replayed(
        id=replayed.run_id,
        source_id=replayed.source_id,
        existing=replayed.existing,
        plan=replay_plan(replayed.plan),
    )
    return Reply(200 if replayed.existing else 201, write(answer))


async def compare_runs(call: Call, a: str, b: str) -> Comparison:
    """Two runs side by side: what led from one to the other, and what came of it."""
    return compare(await _side(call, a), await _side(call, b))


async def _side(call: Call, run_id: str) -> Side:
    scene = await load_scene(call, run_id)
    run_input, inputs, outputs = await all_payloads(call, scene, scene.document.version.definition.steps)
    return Side(scene, run_input, inputs, outputs)
