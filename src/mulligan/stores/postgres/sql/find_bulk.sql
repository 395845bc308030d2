SELECT record FROM bulks WHERE id = :id AND namespace = :namespace
