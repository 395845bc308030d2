INSERT INTO variables (namespace, workflow, step, name, record)
SELECT * FROM unnest(texts(:namespace), texts(:workflow), texts(:step), texts(:name), texts(:record))
ON CONFLICT (namespace, workflow, step, name) DO UPDATE SET record = excluded.record
