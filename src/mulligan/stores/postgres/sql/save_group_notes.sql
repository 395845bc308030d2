INSERT INTO group_notes (namespace, fingerprint, record)
SELECT * FROM unnest(:namespace::text[], :fingerprint::text[], :record::text[])
ON CONFLICT (namespace, fingerprint) DO UPDATE SET record = excluded.record
