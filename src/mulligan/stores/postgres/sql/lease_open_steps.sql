-- Of steps that this transaction has locked while they were ready.
UPDATE open_steps
SET state = 'leased',
    attempt = open_steps.attempt + 1,
    token = :token::text,
    worker_id = taken.worker_id,
    since_at = :now::timestamptz,
    due_at = :now::timestamptz + open_steps.start_to_close
FROM unnest(texts(:run_id), texts(:step), texts(:worker_id)) AS taken (run_id, step, worker_id)
WHERE open_steps.run_id = taken.run_id
    AND open_steps.step = taken.step
    AND open_steps.run_id = ANY (texts(:run_id))
