INSERT INTO bulks (id, namespace, state, record)
SELECT * FROM unnest(texts(:id), texts(:namespace), texts(:state), texts(:record))
ON CONFLICT (id) DO UPDATE SET state = excluded.state, record = excluded.record
