SELECT attempts.run_id, attempts.step, attempts.number, attempts.output
FROM unnest(texts(:run_id), texts(:step), :number::integer[]) AS wanted (run_id, step, number)
JOIN attempts USING (run_id, step, number)
WHERE attempts.run_id = ANY (texts(:run_id))
    AND attempts.run_id BETWEEN :least_run_id AND :greatest_run_id
    AND attempts.output IS NOT NULL
