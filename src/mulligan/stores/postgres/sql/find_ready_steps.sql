-- The foremost of each route that is asked for. What another engine is about to take is passed over.
SELECT
    ready.run_id, ready.step, ready.namespace, ready.workflow, ready.route, ready.state, ready.queued_at,
    ready.since_at, ready.priority, ready.attempt, ready.failures, ready.losses, ready.token, ready.worker_id,
    ready.due_at, ready.start_to_close
FROM unnest(:namespace::text[], :route::text[], :most::integer[]) AS asked (namespace, route, most)
CROSS JOIN LATERAL (
    SELECT *
    FROM open_steps
    WHERE namespace = asked.namespace AND route = asked.route AND state = 'ready'
    ORDER BY priority DESC, queued_at, run_id, step
    LIMIT asked.most
    FOR UPDATE SKIP LOCKED
) AS ready
ORDER BY ready.priority DESC, ready.queued_at, ready.run_id, ready.step
