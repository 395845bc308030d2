INSERT INTO variables (namespace, workflow, step, name, record)
SELECT * FROM unnest(:namespace::text[], :workflow::text[], :step::text[], :name::text[], :record::text[])
ON CONFLICT (namespace, workflow, step, name) DO UPDATE SET record = excluded.record
