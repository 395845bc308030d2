SELECT record FROM bulks WHERE id IN (SELECT value FROM json_each(:ids))
