DELETE FROM idempotency_keys
WHERE (namespace, key, run_id) IN (
    SELECT namespace, idempotency_key, id FROM runs WHERE id IN (SELECT value FROM json_each(:ids))
)
