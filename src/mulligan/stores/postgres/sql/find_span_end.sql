-- A part of one partition: up to so many runs, in the order of their ids. All of it is read once, when it may be dropped.
SELECT count(*), max(finished_at), count(*) FILTER (WHERE status = 'running'), max(id)
FROM (
    SELECT id, finished_at, status
    FROM runs
    WHERE id >= :least AND id < :limit AND id > :after
    ORDER BY id
    LIMIT :most
) AS part
