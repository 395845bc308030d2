SELECT id, input FROM runs WHERE id = ANY (:ids::text[])
