SELECT DISTINCT ON (run_id, step) run_id, step, outcome, number
FROM attempts
WHERE run_id = ANY (texts(:ids)) AND run_id BETWEEN :least_ids AND :greatest_ids
ORDER BY run_id, step, number DESC
