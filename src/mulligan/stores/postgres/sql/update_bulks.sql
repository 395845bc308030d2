UPDATE bulks
SET state = changed.state, record = changed.record
FROM unnest(texts(:state), texts(:record), texts(:id)) AS changed (state, record, id)
WHERE bulks.id = changed.id AND bulks.id = ANY (texts(:id))
