SELECT record FROM workers WHERE id = ANY (:ids::text[]) ORDER BY id
