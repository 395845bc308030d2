SELECT run_id, step, token
FROM open_steps
WHERE run_id IN (SELECT value FROM json_each(:ids)) AND state = 'leased'
