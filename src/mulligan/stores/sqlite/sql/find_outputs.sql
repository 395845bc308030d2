SELECT run_id, step, number, output
FROM attempts
WHERE (run_id, step, number) IN (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(:refs))
    AND output IS NOT NULL
