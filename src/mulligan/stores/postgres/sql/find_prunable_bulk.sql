-- Without its Z, a moment sorts before those that are a part of a second later. One at a time: it may have very many items.
SELECT id
FROM bulks
WHERE state <> 'running'
    AND substring(record FROM '"state_at":"([^"]*)Z"') COLLATE "C" < :before::text
    AND NOT EXISTS (SELECT 1 FROM runs WHERE bulk_id = bulks.id)
ORDER BY id
LIMIT 1
