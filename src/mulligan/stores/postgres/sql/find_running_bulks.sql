SELECT record FROM bulks WHERE state = 'running' AND id > :after ORDER BY id LIMIT :limit
