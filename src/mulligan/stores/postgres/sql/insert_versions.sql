INSERT INTO versions (namespace, workflow, number, digest, registered_at, definition)
SELECT *
FROM unnest(
    :namespace::text[], :workflow::text[], :number::integer[], :digest::text[], :registered_at::timestamptz[],
    :definition::text[]
)
