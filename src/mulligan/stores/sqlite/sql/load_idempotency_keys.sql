SELECT namespace, key, run_id, content, created_at
FROM idempotency_keys
WHERE (namespace, key) IN (SELECT value ->> 0, value ->> 1 FROM json_each(:keys))
