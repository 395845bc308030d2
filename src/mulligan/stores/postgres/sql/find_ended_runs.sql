SELECT id FROM runs WHERE id = ANY (texts(:ids)) AND status <> 'running'
