SELECT attempts.run_id, attempts.step, attempts.number, attempts.output
FROM unnest(:run_id::text[], :step::text[], :number::integer[]) AS wanted (run_id, step, number)
JOIN attempts USING (run_id, step, number)
WHERE attempts.output IS NOT NULL
