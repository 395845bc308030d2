-- A scan of one partition, made once when it may be dropped.
SELECT count(*), max(finished_at), count(*) FILTER (WHERE status = 'running')
FROM runs
WHERE id >= :least AND id < :limit
