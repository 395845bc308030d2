SELECT namespace, key, run_id, content, created_at
FROM idempotency_keys
WHERE (namespace, key) IN (SELECT * FROM unnest(texts(:namespace), texts(:key)))
    AND namespace = ANY (texts(:namespace))
    AND key = ANY (texts(:key))
