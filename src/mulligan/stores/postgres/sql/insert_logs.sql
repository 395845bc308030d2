-- The order of positions within a run is the order of commits: whoever writes to its log has it locked until then.
WITH locked AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(mark)
    FROM (SELECT DISTINCT hashtextextended(run_id, 0) AS mark FROM unnest(texts(:run_id)) AS run_id ORDER BY mark)
        AS marks
)
INSERT INTO logs (run_id, step, attempt, namespace, at, level, logger, message)
SELECT run_id, step, attempt, namespace, at, level, logger, message
FROM unnest(
    texts(:run_id), texts(:step), :attempt::integer[], texts(:namespace), :at::timestamptz[], :level::integer[],
    texts(:logger), texts(:message)
) WITH ORDINALITY AS given (run_id, step, attempt, namespace, at, level, logger, message, place)
WHERE (SELECT count(*) FROM locked) > 0
ORDER BY place
