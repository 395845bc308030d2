SELECT id, input FROM runs WHERE id = ANY (texts(:ids))
