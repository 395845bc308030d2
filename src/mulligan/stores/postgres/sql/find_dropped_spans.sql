SELECT name, least, next FROM dropped_spans ORDER BY least
