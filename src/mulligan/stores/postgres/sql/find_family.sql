SELECT id FROM runs WHERE family_id = :family_id AND namespace = :namespace
UNION
SELECT id FROM runs WHERE id = :family_id AND family_id IS NULL AND namespace = :namespace
