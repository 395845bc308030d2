-- A route belongs to one step of one workflow, so the least of their names is their name.
-- A ready step waits since it was queued, any other is in its state since `since_at`.
SELECT
    min(workflow), min(step), route, state, count(*), min(CASE state WHEN 'ready' THEN queued_at ELSE since_at END)
FROM open_steps
WHERE namespace = :namespace
GROUP BY route, state
ORDER BY route, state
