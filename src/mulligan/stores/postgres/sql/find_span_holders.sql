-- Whether something still happens in a span, a run outside of it relies on one inside, or one has come since.
SELECT
    EXISTS (SELECT 1 FROM open_steps WHERE run_id >= :least AND run_id < :limit)
    OR EXISTS (
        SELECT 1
        FROM kept_results
        WHERE kept_run_id >= :least AND kept_run_id < :limit AND (run_id < :least OR run_id >= :limit)
    )
    OR EXISTS (SELECT 1 FROM runs WHERE id >= :least AND id < :limit AND created_at >= :since::timestamptz)
