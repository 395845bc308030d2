DELETE FROM replays
WHERE ctid = ANY (
    ARRAY(SELECT ctid FROM replays WHERE run_id >= :least AND run_id < :limit LIMIT :most)
)
