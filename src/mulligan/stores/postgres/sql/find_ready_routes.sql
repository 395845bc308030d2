-- From route to route by the index, however many steps wait on each.
WITH RECURSIVE found AS (
    (SELECT namespace, route FROM open_steps WHERE state = 'ready' ORDER BY namespace, route LIMIT 1)
    UNION ALL
    SELECT later.namespace, later.route
    FROM found
    CROSS JOIN LATERAL (
        SELECT namespace, route
        FROM open_steps
        WHERE state = 'ready' AND (namespace, route) > (found.namespace, found.route)
        ORDER BY namespace, route
        LIMIT 1
    ) AS later
)
SELECT DISTINCT route FROM found
