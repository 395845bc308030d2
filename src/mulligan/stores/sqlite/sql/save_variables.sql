INSERT INTO variables (namespace, workflow, step, name, record)
VALUES (:namespace, :workflow, :step, :name, :record)
ON CONFLICT (namespace, workflow, step, name) DO UPDATE SET record = excluded.record
