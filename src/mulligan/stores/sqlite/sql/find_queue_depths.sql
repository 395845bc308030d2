-- A route belongs to one step of one workflow, so the least of their names is their name.
SELECT min(workflow), min(step), route, 'ready' AS state, count(*), min(queued_at)
FROM open_steps
WHERE namespace = :namespace AND state = 'ready'
GROUP BY route
UNION ALL
SELECT min(workflow), min(step), route, state, count(*), min(since_at)
FROM open_steps
WHERE namespace = :namespace AND state <> 'ready'
GROUP BY route, state
ORDER BY route, state
