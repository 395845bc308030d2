SELECT record FROM documents WHERE namespace = :namespace AND kind = :kind AND key = :key
