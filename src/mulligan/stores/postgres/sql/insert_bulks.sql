INSERT INTO bulks (id, namespace, state, record)
SELECT * FROM unnest(texts(:id), texts(:namespace), texts(:state), texts(:record))
