SELECT record
FROM workers
WHERE namespace = :namespace
    AND (
        state <> 'gone'
        OR seen_at >= (SELECT max(seen_at) FROM workers WHERE namespace = :namespace) - 3600000000
    )
ORDER BY name, id
