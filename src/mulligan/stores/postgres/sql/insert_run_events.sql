INSERT INTO run_events (run_id, namespace, at, kind, step, attempt, actor, detail)
SELECT *
FROM unnest(
    texts(:run_id), texts(:namespace), :at::timestamptz[], texts(:kind), texts(:step), :attempt::integer[],
    texts(:actor), texts(:detail)
)
