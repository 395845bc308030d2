INSERT INTO bulks (id, namespace, state, record)
SELECT * FROM unnest(:id::text[], :namespace::text[], :state::text[], :record::text[])
ON CONFLICT (id) DO UPDATE SET state = excluded.state, record = excluded.record
