SELECT run_id, step, due_at
FROM open_steps
WHERE due_at <= :now::timestamptz
ORDER BY due_at, run_id, step
LIMIT :limit::bigint
