INSERT INTO replays (run_id, namespace, record)
SELECT * FROM unnest(texts(:run_id), texts(:namespace), texts(:record))
