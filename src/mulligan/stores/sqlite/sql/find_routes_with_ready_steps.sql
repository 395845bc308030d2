-- Of the given (namespace, route) pairs those on which something is ready.
SELECT asked.value ->> 0, asked.value ->> 1
FROM json_each(:asked) AS asked
WHERE EXISTS (
    SELECT 1
    FROM open_steps
    WHERE namespace = asked.value ->> 0 AND route = asked.value ->> 1 AND state = 'ready'
)
