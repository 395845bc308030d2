INSERT INTO replays (run_id, namespace, record) VALUES (:run_id, :namespace, :record)
