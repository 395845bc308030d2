INSERT INTO large_inputs (run_id, namespace, payload) VALUES (:run_id, :namespace, :payload)
