DELETE FROM dropped_spans WHERE name = :name
