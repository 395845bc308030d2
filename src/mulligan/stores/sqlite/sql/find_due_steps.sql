SELECT run_id, step, due_at
FROM open_steps
WHERE due_at <= :now
ORDER BY due_at, run_id, step
LIMIT :limit
