SELECT id FROM runs WHERE id = ANY (texts(:ids)) AND id BETWEEN :least_ids AND :greatest_ids AND status <> 'running'
