SELECT record FROM bulks WHERE id = ANY (:ids::text[]) ORDER BY id
