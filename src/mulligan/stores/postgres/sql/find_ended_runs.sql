SELECT id FROM runs WHERE id = ANY (:ids::text[]) AND status <> 'running'
