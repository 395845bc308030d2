SELECT namespace, key, run_id, content, created_at
FROM idempotency_keys
WHERE (namespace, key) IN (SELECT * FROM unnest(:namespace::text[], :key::text[]))
