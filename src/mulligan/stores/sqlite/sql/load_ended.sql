SELECT run_id, step, outcome, max(number)
FROM attempts
WHERE run_id IN (SELECT value FROM json_each(:ids))
GROUP BY run_id, step
