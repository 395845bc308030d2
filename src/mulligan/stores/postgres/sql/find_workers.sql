SELECT record
FROM workers
WHERE namespace = :namespace
    AND (
        state <> 'gone'
        OR seen_at >= (SELECT max(seen_at) FROM workers WHERE namespace = :namespace) - interval '1 hour'
    )
ORDER BY name, id
