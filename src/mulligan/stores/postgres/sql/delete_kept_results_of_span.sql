-- Of runs that are gone: into the time of a dropped span there still come some, from clients whose clock is behind.
DELETE FROM kept_results
WHERE ctid = ANY (
    ARRAY(
        SELECT beside.ctid
        FROM kept_results AS beside
        WHERE run_id >= :least
            AND run_id < :limit
            AND NOT EXISTS (SELECT 1 FROM runs WHERE id = beside.run_id AND id >= :least AND id < :limit)
        LIMIT :most
    )
)
