DELETE FROM open_steps
USING unnest(texts(:run_id), texts(:step)) AS closed (run_id, step)
WHERE open_steps.run_id = closed.run_id
    AND open_steps.step = closed.step
    AND open_steps.run_id = ANY (texts(:run_id))
