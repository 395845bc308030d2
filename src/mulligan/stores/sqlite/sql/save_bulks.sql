INSERT INTO bulks (id, namespace, state, record)
VALUES (:id, :namespace, :state, :record)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, record = excluded.record
