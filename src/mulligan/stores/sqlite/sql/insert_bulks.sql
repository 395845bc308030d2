INSERT INTO bulks (id, namespace, state, record)
VALUES (:id, :namespace, :state, :record)
