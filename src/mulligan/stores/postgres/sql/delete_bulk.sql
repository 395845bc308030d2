DELETE FROM bulks WHERE id = :id
