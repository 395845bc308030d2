INSERT INTO group_notes (namespace, fingerprint, record)
VALUES (:namespace, :fingerprint, :record)
ON CONFLICT (namespace, fingerprint) DO UPDATE SET record = excluded.record
