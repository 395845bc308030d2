DELETE FROM idempotency_keys WHERE run_id = ANY (:ids::text[])
