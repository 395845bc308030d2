DELETE FROM idempotency_keys
WHERE ctid = ANY (
    ARRAY(SELECT ctid FROM idempotency_keys WHERE run_id >= :least AND run_id < :limit LIMIT :most)
)
