DELETE FROM idempotency_keys WHERE run_id IN (SELECT value FROM json_each(:ids))
