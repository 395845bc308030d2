DELETE FROM kept_results
WHERE ctid = ANY (
    ARRAY(SELECT ctid FROM kept_results WHERE run_id >= :least AND run_id < :limit LIMIT :most)
)
