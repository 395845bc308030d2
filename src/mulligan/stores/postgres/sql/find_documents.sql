SELECT record FROM documents WHERE namespace = :namespace AND kind = :kind ORDER BY key
