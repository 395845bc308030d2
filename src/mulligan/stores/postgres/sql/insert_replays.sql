INSERT INTO replays (run_id, namespace, record)
SELECT * FROM unnest(:run_id::text[], :namespace::text[], :record::text[])
