INSERT INTO dropped_spans (name, least, next) VALUES (:name, :least, :next)
