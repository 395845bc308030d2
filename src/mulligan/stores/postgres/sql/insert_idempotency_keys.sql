INSERT INTO idempotency_keys (namespace, key, run_id, content, created_at)
SELECT *
FROM unnest(:namespace::text[], :key::text[], :run_id::text[], :content::text[], :created_at::timestamptz[])
