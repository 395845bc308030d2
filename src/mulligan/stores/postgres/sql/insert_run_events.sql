INSERT INTO run_events (run_id, namespace, at, kind, step, attempt, actor, detail)
SELECT *
FROM unnest(
    :run_id::text[], :namespace::text[], :at::timestamptz[], :kind::text[], :step::text[], :attempt::integer[],
    :actor::text[], :detail::text[]
)
