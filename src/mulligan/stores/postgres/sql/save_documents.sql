INSERT INTO documents (namespace, kind, key, record)
SELECT * FROM unnest(:namespace::text[], :kind::text[], :key::text[], :record::text[])
ON CONFLICT (namespace, kind, key) DO UPDATE SET record = excluded.record
