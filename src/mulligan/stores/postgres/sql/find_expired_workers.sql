SELECT record
FROM workers
WHERE state <> 'gone' AND lease_until_at <= :now::timestamptz
ORDER BY lease_until_at, id
