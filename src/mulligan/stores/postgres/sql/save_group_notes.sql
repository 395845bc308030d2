INSERT INTO group_notes (namespace, fingerprint, record)
SELECT * FROM unnest(texts(:namespace), texts(:fingerprint), texts(:record))
ON CONFLICT (namespace, fingerprint) DO UPDATE SET record = excluded.record
