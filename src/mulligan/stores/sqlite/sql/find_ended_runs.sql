SELECT id FROM runs WHERE id IN (SELECT value FROM json_each(:ids)) AND status <> 'running'
